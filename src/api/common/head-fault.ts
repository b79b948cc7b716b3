import type { IncomingMessage } from 'node:http';
import { problem, type Problem } from './problem.js';

const HOST = 'host';

const VERSION_FAULT = problem('invalid_request', 'Send the request as HTTP/1.1 or HTTP/1.0.');
const HOST_FAULT = problem('invalid_request', 'Send the header Host exactly once.');

/** What is wrong with a request besides its syntax, which Node has checked. Called on the hot path. */
export function headFault({
  httpVersionMajor,
  httpVersionMinor,
  rawHeaders,
}: IncomingMessage): Problem | undefined {
  if (httpVersionMajor !== 1) return VERSION_FAULT;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === HOST.length && name.toLowerCase() === HOST) hosts += 1;
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0) ? undefined : HOST_FAULT;
}
