import type { Dispatcher } from 'undici';
import type { Deadline } from '../../core/ports/token-issuer.js';
import { ConnectFailure, type Egress } from './egress.js';
import {
  MAX_ANSWER_BYTES,
  replyOf,
  replyOfTrouble,
  type HttpReply,
  type HttpRequest,
  type Trouble,
} from './http-call.js';
import { faultOfCode } from './network-fault.js';

/**
 * One request to a platform over a connection that may have been used before, and may be used again. Never throws, and never
 * sends anything twice: only a request that was not begun is `not_sent`.
 */
export async function callOnce(
  egress: Egress,
  baseUrl: string,
  request: HttpRequest,
  deadline: Deadline,
): Promise<HttpReply> {
  const { origin, pathname } = new URL(baseUrl);
  const pool = await egress.pool(origin, deadline.timeoutMs);
  return new Promise((resolve) => {
    pool.dispatch(optionsOf(pathname, request), new KeptCall(baseUrl, deadline, resolve));
  });
}

function optionsOf(basePath: string, { method, path, query, headers, data }: HttpRequest) {
  const [contentType, body] = bodyOf(data);
  const search = query ? `?${new URLSearchParams(query).toString()}` : '';
  return {
    method,
    path: (basePath.replace(/\/$/, '') + path || '/') + search,
    headers: { accept: 'application/json, text/plain, */*', ...contentType, ...headers },
    body,
  };
}

function bodyOf(data: object | undefined): [headers: Record<string, string>, body: string | null] {
  if (data === undefined) return [{}, null];
  return data instanceof URLSearchParams
    ? [{ 'content-type': 'application/x-www-form-urlencoded;charset=utf-8' }, data.toString()]
    : [{ 'content-type': 'application/json' }, JSON.stringify(data)];
}

/** undici begins a request right before it writes the first byte of it, and never begins one twice. */
class KeptCall implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | null = null;
  private isOver = false;
  private status = 0;
  private headers: Readonly<Record<string, unknown>> = {};
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  constructor(
    private readonly baseUrl: string,
    private readonly deadline: Deadline,
    private readonly resolve: (reply: HttpReply) => void,
  ) {
    if (deadline.signal.aborted) this.onDeadline();
    else deadline.signal.addEventListener('abort', this.onDeadline, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.isOver) controller.abort(new Error('given up before it was begun'));
    else this.controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, unknown>>,
  ): void {
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > MAX_ANSWER_BYTES) this.fail({ fault: 'answer_too_large', why: 'it is too large' });
    else this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.end(replyOf(this.status, this.headers, Buffer.concat(this.chunks).toString('utf8')));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.fail(error instanceof ConnectFailure ? error : troubleOf(error));
  }

  private readonly onDeadline = (): void => {
    const why = `given up at the deadline of ${String(this.deadline.timeoutMs)} ms`;
    this.fail({ fault: this.controller ? 'answer_timeout' : 'connect_timeout', why });
  };

  private fail(trouble: Trouble): void {
    this.end(replyOfTrouble(this.baseUrl, this.controller !== null, trouble));
    this.controller?.abort(new Error('given up'));
  }

  private end(reply: HttpReply): void {
    if (this.isOver) return;
    this.isOver = true;
    this.deadline.signal.removeEventListener('abort', this.onDeadline);
    this.resolve(reply);
  }
}

/** By undici's own codes, and where it has none by the name of its error. */
const UNDICI_FAULTS: Readonly<Record<string, Trouble>> = {
  UND_ERR_SOCKET: { fault: 'reset', why: 'ECONNRESET' },
  UND_ERR_HEADERS_OVERFLOW: { fault: 'answer_too_large', why: 'its headers are too large' },
  HTTPParserError: { fault: 'answer_not_http', why: 'it is no HTTP' },
};

function troubleOf(error: Error): Trouble {
  const { code, name } = error as NodeJS.ErrnoException;
  const known = UNDICI_FAULTS[code ?? name];
  if (known) return known;
  return code === undefined
    ? { fault: 'other', why: 'unknown error' }
    : { fault: faultOfCode(code), why: code };
}
