import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isIPv4 } from 'node:net';

/** WeChat takes uploads of 30 MB. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Longer ones are looked at as bytes only. */
const MAX_TEXT_BYTES = 1024 * 1024;
const MAPPED_IPV4 = '::ffff:';

export interface HttpCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** The text of the body; empty where it is longer than 1 MiB. */
  readonly body: string;
  readonly bytes: Buffer;
  /** IPv4 as such, never mapped into IPv6. */
  readonly callerIp: string;
}

/** The whole request; undefined when its body is too long. Rejects when the caller goes away before the end of it. */
export async function readCall(request: IncomingMessage): Promise<HttpCall | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  if (length > MAX_BODY_BYTES) return undefined;
  const bytes = Buffer.concat(chunks);
  const [path = '', ...query] = (request.url ?? '').split('?');
  return {
    method: request.method ?? '',
    path,
    query: new URLSearchParams(query.join('?')),
    headers: request.headers,
    body: length > MAX_TEXT_BYTES ? '' : bytes.toString('utf8'),
    bytes,
    callerIp: callerIp(request.socket.remoteAddress ?? ''),
  };
}

function callerIp(address: string): string {
  const unmapped = address.startsWith(MAPPED_IPV4) ? address.slice(MAPPED_IPV4.length) : address;
  return isIPv4(unmapped) ? unmapped : address;
}
