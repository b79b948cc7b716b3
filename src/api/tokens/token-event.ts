import type { ServerResponse } from 'node:http';
import type { AppName, HeldToken } from '../../core/token.js';
import { tokenView } from './tokens.api.js';

/** What is written to many streams, as it is and as a chunk of HTTP/1.1, so that each of them costs one plain write. */
export interface Bytes {
  readonly plain: Buffer;
  readonly chunk: Buffer;
}

export const HEARTBEAT = asChunk(':\n\n');

export function asChunk(text: string): Bytes {
  const plain = Buffer.from(text);
  const size = plain.length.toString(16);
  return { plain, chunk: Buffer.from(`${size}\r\n${text}\r\n`) };
}

/** A token as a server-sent event, as text. It counts down from `nowMonoMs`, so it is made when it is sent. */
export function tokenEvent(app: AppName, held: HeldToken, nowMonoMs: number): string {
  const data = JSON.stringify(tokenView(app, held, nowMonoMs));
  return `event: token\nid: ${held.record.generation}\ndata: ${data}\n\n`;
}

/** To a stream whose head is sent, so that what the response would do is to frame the chunk, in three times the time. */
export function writeBytes(response: ServerResponse, { plain, chunk }: Bytes): void {
  if (response.writableEnded) return;
  // Without a socket an earlier answer on the same connection is not over yet.
  if (response.socket) response.socket.write(response.chunkedEncoding ? chunk : plain);
  else response.write(plain);
}
