import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { problem, type Problem } from './problem.js';

const HEADERS_TOO_LARGE = 'The headers are larger than 16 KiB.';
const TOO_SLOW = 'The request took too long to arrive: send it again.';
const NO_HTTP = 'This is no HTTP/1.1 request that can be read.';

/** Answers what Node could not read as a request, on the bare socket: no route, hook or filter ever sees it. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const answer = describe(error.code);
  const body = JSON.stringify(answer);
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Error'}`,
    'Content-Type: application/problem+json',
    'Cache-Control: no-store',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function describe(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return problem('headers_too_large', HEADERS_TOO_LARGE);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem('request_timeout', TOO_SLOW);
  return problem('invalid_request', NO_HTTP);
}
