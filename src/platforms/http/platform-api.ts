import http from 'node:http';
import https from 'node:https';
import type { Dispatcher } from 'undici';
import type { Deadline } from '../../core/ports/token-issuer.js';
import { ConnectFailure, Egress } from './egress.js';
import {
  type HttpReply,
  type HttpRequest,
  MAX_ANSWER_BYTES,
  replyOf,
  replyOfTrouble,
  type Trouble,
} from './http-call.js';
import { faultOfCode, isFaultId, remedyOfFault } from './network-fault.js';

/** A platform at one address, and the way there. Sends each request once: no redirect, no retry. Never throws for what a network may do. */
export class PlatformApi {
  /** @param egress left out: directly */
  constructor(
    readonly baseUrl: string,
    private readonly egress: Egress = new Egress(),
  ) {}

  /**
   * Over a connection of its own: for what mints tokens, where nothing is spent on a request whose fate is unknown. The
   * causes are fresh errors, because axios's own carry the URL with the secret.
   */
  async fetch(request: HttpRequest, deadline: Deadline): Promise<HttpReply> {
    const { baseUrl } = this;
    const connection = new OwnConnection(this.egress, baseUrl, deadline);
    const httpAgent = connection.over(new http.Agent());
    const httpsAgent = connection.over(new https.Agent());
    try {
      // Loaded at the first call: commands that only read the configuration import the platforms too, for their keys.
      const { default: axios } = await import('axios');
      const { status, headers, data } = await axios.request<string>({
        adapter: 'http',
        baseURL: baseUrl,
        url: request.path,
        method: request.method,
        params: new URLSearchParams(request.query),
        headers: { ...request.headers },
        data: request.data,
        signal: deadline.signal,
        httpAgent,
        httpsAgent,
        // That of the configuration is the connection's.
        proxy: false,
        maxRedirects: 0,
        maxContentLength: MAX_ANSWER_BYTES,
        responseType: 'text',
        transformResponse: [],
        validateStatus: null,
      });
      return replyOf(status, Object.fromEntries(Object.entries(headers)), data);
    } catch (error) {
      const failure = await connection.failure();
      if (failure) return replyOfTrouble(baseUrl, false, failure);
      const trouble = deadline.signal.aborted ? timeOut(connection.isUp, deadline) : troubleOf(error);
      return replyOfTrouble(baseUrl, connection.isUp, trouble);
    } finally {
      httpAgent.destroy();
      httpsAgent.destroy();
    }
  }

  /**
   * Over a connection that may have been used before, and may be used again: for what comes often, such as logins and tries
   * of tokens. Only a request that was not begun is `not_sent`.
   */
  async call(request: HttpRequest, deadline: Deadline): Promise<HttpReply> {
    const { origin, pathname } = new URL(this.baseUrl);
    const pool = await this.egress.pool(origin, deadline.timeoutMs);
    return new Promise((resolve) => {
      pool.dispatch(optionsOf(pathname, request), new KeptCall(this.baseUrl, deadline, resolve));
    });
  }

  /** What a person does about a fault; null for what is none of the network's. */
  remedyOf(fault: string | null): string | null {
    return fault !== null && isFaultId(fault) ? remedyOfFault(fault, this.egress.unusedProxyVariable) : null;
  }
}

/** The connection of one request. Before it is up, TLS and certificate included, no byte of the request has left. */
class OwnConnection {
  isUp = false;
  private attempt: Promise<unknown> | undefined;

  constructor(
    private readonly egress: Egress,
    private readonly baseUrl: string,
    private readonly deadline: Deadline,
  ) {}

  over<A extends http.Agent>(agent: A): A {
    agent.createConnection = (_options, callback) => {
      const attempt = this.egress.connect(new URL(this.baseUrl), this.deadline);
      this.attempt = attempt.then(
        (socket) => {
          this.isUp = true;
          callback?.(null, socket);
        },
        (error: unknown) => {
          callback?.(error as Error, undefined as never);
          return error;
        },
      );
      return undefined;
    };
    return agent;
  }

  /** Why it did not come up; null if it did, or was not tried. */
  async failure(): Promise<ConnectFailure | null> {
    const result = await this.attempt;
    return result instanceof ConnectFailure ? result : null;
  }
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
    this.fail(timeOut(this.controller !== null, this.deadline));
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

function timeOut(isUp: boolean, { timeoutMs }: Deadline): Trouble {
  return {
    fault: isUp ? 'answer_timeout' : 'connect_timeout',
    why: `given up at the deadline of ${timeoutMs} ms`,
  };
}

/** By the codes of axios and undici, and where undici has none by the name of its error. */
const KNOWN_TROUBLES: Readonly<Record<string, Trouble>> = {
  ERR_BAD_RESPONSE: { fault: 'reset', why: 'ERR_BAD_RESPONSE' },
  UND_ERR_SOCKET: { fault: 'reset', why: 'ECONNRESET' },
  UND_ERR_HEADERS_OVERFLOW: { fault: 'answer_too_large', why: 'its headers are too large' },
  HTTPParserError: { fault: 'answer_not_http', why: 'it is no HTTP' },
};

function troubleOf(error: unknown): Trouble {
  const { code, name = '', message } = error as Partial<NodeJS.ErrnoException>;
  // axios has the same code for an answer that ends too soon.
  const isTooLarge = code === 'ERR_BAD_RESPONSE' && message?.startsWith('maxContentLength');
  if (isTooLarge) return { fault: 'answer_too_large', why: code };
  const known = KNOWN_TROUBLES[code ?? name];
  if (known) return known;
  return typeof code === 'string'
    ? { fault: faultOfCode(code), why: code }
    : { fault: 'other', why: 'unknown error' };
}
