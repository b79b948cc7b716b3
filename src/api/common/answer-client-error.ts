import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { problem, type Problem } from './problem.js';

const HEADERS_TOO_LARGE = 'The headers are larger than 16 KiB.';
const TOO_SLOW = 'The request took too long to arrive: send it again.';
const NO_HTTP = 'This is no HTTP/1.1 request that can be read.';
const TOO_MANY =
  'Too many requests were sent on this connection without waiting for an answer: wait for each, or open more connections.';

/** For a caller to read why its connection ends. */
const LINGER_MS = 2000;

/** Node's server keeps there the answer that a socket is about to send, or sends. */
interface ServerSocket extends Socket {
  readonly _httpMessage?: ServerResponse | null;
  /** Of a TLS socket. */
  readonly secureConnecting?: boolean;
}

/** Those that are answered when the answers before are through. */
const deferred = new WeakSet<Socket>();

/** Sockets on which a body is on its way that somebody else watches: the time limit for a whole request is not theirs. */
export const mayTakeLong = new WeakSet<Socket>();

/** Answers what Node could not read as a request, on the bare socket: no route, hook or filter ever sees it. */
export function answerClientError(error: NodeJS.ErrnoException, socket: ServerSocket): void {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && mayTakeLong.has(socket)) return;
  // Also what comes while a TLS handshake is not through: nobody could read the answer.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.secureConnecting) {
    socket.destroy();
    return;
  }
  const answer = socket._httpMessage ?? undefined;
  if (answer === undefined || isNotBegun(answer)) endWith(rawProblem(describe(error.code)), socket);
  // Text that is written into an answer would be taken for a part of it.
  else if (answer.headersSent && !answer.writableEnded) socket.destroy();
  else if (!deferred.has(socket)) {
    deferred.add(socket);
    socket.pause();
    // Node has its own listener before this one, which puts the next answer into the place of this one.
    answer.once('finish', () => {
      deferred.delete(socket);
      answerClientError(error, socket);
    });
  }
}

/** Closed without being read to its end, a connection would be reset, and the answer lost on its way. */
function endWith(text: string, socket: Socket): void {
  socket.end(text);
  socket.resume();
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}

/** The request itself is what cannot be read, or is too slow. */
function isNotBegun({ headersSent, req }: ServerResponse): boolean {
  return !headersSent && !req.complete;
}

function describe(code: string | undefined): Problem {
  if (code === 'HPE_HEADER_OVERFLOW') return problem('headers_too_large', HEADERS_TOO_LARGE);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return problem('request_timeout', TOO_SLOW);
  if (code === 'HPE_CB_HEADERS_COMPLETE') return problem('overloaded', TOO_MANY, { retryAfterSeconds: 1 });
  return problem('invalid_request', NO_HTTP);
}

/** Ends a connection with a problem, where the framework has no part in it. */
export function endWithProblem(response: ServerResponse, problem: Problem): void {
  const { headers, body } = parts(problem);
  response.writeHead(problem.status, headers).end(body);
}

/** The same for a connection of which nothing was read. */
export function endSocketWithProblem(socket: Socket, problem: Problem): void {
  endWith(rawProblem(problem), socket);
}

/** The same as text, for a socket without a response. */
function rawProblem(problem: Problem): string {
  const { headers, body } = parts(problem);
  const status = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`;
  const head = [status, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

function parts(problem: Problem): { headers: Record<string, string>; body: string } {
  const body = JSON.stringify(problem);
  const headers = {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
    ...(problem.retry_after !== undefined && { 'Retry-After': String(problem.retry_after) }),
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  return { headers, body };
}
