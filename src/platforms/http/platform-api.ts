import http from 'node:http';
import https from 'node:https';
import type { Deadline } from '../../core/ports/token-issuer.js';
import { ConnectFailure, Egress } from './egress.js';
import {
  MAX_ANSWER_BYTES,
  replyOf,
  replyOfTrouble,
  type HttpReply,
  type HttpRequest,
  type Trouble,
} from './http-call.js';
import { callOnce } from './kept-call.js';
import { faultOfCode, isFaultId, remedyOfFault } from './network-fault.js';

/** A platform at one address, and the way there. Sends each request once; never throws for what a network may do. */
export class PlatformApi {
  /** @param egress left out: directly */
  constructor(
    readonly baseUrl: string,
    private readonly egress: Egress = new Egress(),
  ) {}

  /** Over a connection of its own: for what mints tokens, where nothing is spent on a request whose fate is unknown. */
  fetch(request: HttpRequest, deadline: Deadline): Promise<HttpReply> {
    return fetchOnce(this.egress, this.baseUrl, request, deadline);
  }

  /** Over a connection that is kept for other calls: for what comes often, such as logins and tries of tokens. */
  call(request: HttpRequest, deadline: Deadline): Promise<HttpReply> {
    return callOnce(this.egress, this.baseUrl, request, deadline);
  }

  /** What a person does about a fault; null for what is none of the network's. */
  remedyOf(fault: string | null): string | null {
    return fault !== null && isFaultId(fault) ? remedyOfFault(fault, this.egress.unusedProxyVariable) : null;
  }
}

/**
 * One request to a platform over a connection of its own: no redirect, no retry. Never throws. The causes are fresh errors,
 * because axios's own carry the URL with the secret.
 */
async function fetchOnce(
  egress: Egress,
  baseUrl: string,
  request: HttpRequest,
  deadline: Deadline,
): Promise<HttpReply> {
  const connection = new OwnConnection(egress, baseUrl, deadline);
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

function timeOut(isUp: boolean, { timeoutMs }: Deadline): Trouble {
  return {
    fault: isUp ? 'answer_timeout' : 'connect_timeout',
    why: `given up at the deadline of ${timeoutMs} ms`,
  };
}

function troubleOf(error: unknown): Trouble {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  if (typeof code !== 'string') return { fault: 'other', why: 'unknown error' };
  // axios has one code for an answer that is too large and one that ends too soon.
  if (code === 'ERR_BAD_RESPONSE') {
    const isTooLarge = message?.startsWith('maxContentLength');
    return { fault: isTooLarge ? 'answer_too_large' : 'reset', why: code };
  }
  return { fault: faultOfCode(code), why: code };
}
