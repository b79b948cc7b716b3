import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { FaultSpec } from './fault-spec.js';

const PADDING_BYTES = 128 * 1024;

export interface HttpReply {
  readonly status: number;
  /** Null: the answer has none. */
  readonly contentType: string | null;
  readonly text: string;
  /** Instead of the text. */
  readonly bytes?: Buffer | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The token that the text carries intact: marked as delivered once the text is written. */
  readonly token?: { delivered: boolean } | undefined;
}

export function jsonReply(value: unknown, contentType: string | null, token?: HttpReply['token']): HttpReply {
  return { status: 200, contentType, text: JSON.stringify(value), token };
}

/** A page as a gateway or a web server makes it. */
export function htmlReply(status: number): HttpReply {
  const heading = `${String(status)} ${STATUS_CODES[status] ?? ''}`;
  const text = `<html>\r\n<head><title>${heading}</title></head>\r\n<body><center><h1>${heading}</h1></center></body>\r\n</html>\r\n`;
  return { status, contentType: 'text/html', text };
}

/** What a fault leaves of a reply. */
export function spoiled(reply: HttpReply, fault: FaultSpec): HttpReply {
  const left = withoutShape(reply, fault);
  const { httpStatus, headers } = fault;
  return {
    ...left,
    ...(httpStatus !== undefined && { status: httpStatus }),
    ...(headers && { headers: { ...left.headers, ...headers } }),
  };
}

function withoutShape(reply: HttpReply, { status: gateway, truncate, garbage, body }: FaultSpec): HttpReply {
  const { status, contentType, text } = reply;
  if (gateway !== undefined) return htmlReply(gateway);
  if (body !== undefined) return jsonReply(body, contentType);
  if (truncate) return { status, contentType, text: text.slice(0, text.length / 2) };
  switch (garbage) {
    case 'html':
      return htmlReply(200);
    case 'empty':
      return { status, contentType, text: '' };
    case 'array':
      return { status, contentType, text: `[${text}]` };
    case 'huge':
      return { status, contentType, text: text + ' '.repeat(PADDING_BYTES) };
    default:
      return reply;
  }
}

/** Nothing happens when the caller has gone. */
export function send(response: ServerResponse, reply: HttpReply): void {
  if (response.destroyed || response.socket?.destroyed !== false) return;
  const bytes = reply.bytes ?? Buffer.from(reply.text);
  response.writeHead(reply.status, {
    ...(reply.contentType !== null && { 'Content-Type': reply.contentType }),
    'Content-Length': bytes.length,
    ...reply.headers,
  });
  response.end(bytes);
  if (reply.token) reply.token.delivered = true;
}
