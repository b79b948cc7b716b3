import http from 'node:http';
import https from 'node:https';
import type { Deadline, IssueOutcome } from '../../core/ports/token-issuer.js';
import { faultOfCode, faultOfStatus, NetworkFault, type FaultId } from './network-fault.js';

/** Real answers have some 200 bytes. Counted after decompression. */
const MAX_ANSWER_BYTES = 64 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Follows the base URL; may be empty. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; `URLSearchParams` as a form. */
  readonly data?: object;
}

/**
 * `answered`: a 2xx or 4xx with its body as text, whatever the content type says. Whether a 4xx proves a refusal, the
 * platform decides; see `okOnly`. `not_sent` and `unknown` are as in `IssueOutcome`; a redirect, a 5xx and a 407 are
 * `unknown` whatever their body says.
 */
export type HttpReply =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Names in lower case. */
      readonly headers: Readonly<Record<string, unknown>>;
      readonly body: string;
    }
  | Extract<IssueOutcome, { cause: Error }>;

/** For a platform that answers its refusals with 2xx: any other status came from something in between, and proves nothing. */
export function okOnly(reply: HttpReply): HttpReply {
  return reply.kind === 'answered' && reply.status > 299 ? unproven(reply.status, reply.headers) : reply;
}

/**
 * One request to a platform over a connection of its own: no redirect, no proxy, no retry. Never throws. The causes are
 * fresh errors, because axios's own carry the URL with the secret.
 */
export async function callPlatform(
  baseUrl: string,
  request: HttpRequest,
  deadline: Deadline,
): Promise<HttpReply> {
  const connection = { mayBeUp: false };
  const origin = URL.canParse(baseUrl) ? new URL(baseUrl).origin : 'what is no URL';
  const httpAgent = watch(new http.Agent(), 'connect', connection);
  // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot give the secret away.
  const httpsAgent = watch(new https.Agent({ rejectUnauthorized: true }), 'secureConnect', connection);
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
      proxy: false,
      maxRedirects: 0,
      maxContentLength: MAX_ANSWER_BYTES,
      responseType: 'text',
      transformResponse: [],
      validateStatus: null,
    });
    const isAnswer = (status >= 200 && status <= 299) || (status >= 400 && status <= 499 && status !== 407);
    return isAnswer
      ? { kind: 'answered', status, headers: Object.fromEntries(Object.entries(headers)), body: data }
      : unproven(status, headers);
  } catch (error) {
    const { fault, why } = deadline.signal.aborted ? timeOut(connection.mayBeUp, deadline) : faultOf(error);
    return connection.mayBeUp
      ? {
          kind: 'unknown',
          cause: new NetworkFault(fault, `The platform at ${origin} gave no complete answer: ${why}.`),
        }
      : {
          kind: 'not_sent',
          cause: new NetworkFault(fault, `No connection to the platform at ${origin}: ${why}.`),
        };
  } finally {
    httpAgent.destroy();
    httpsAgent.destroy();
  }
}

function unproven(status: number, headers: Readonly<Record<string, unknown>>): HttpReply {
  const message = `The platform answered with HTTP status ${status}.`;
  return { kind: 'unknown', cause: new NetworkFault(faultOfStatus(status), message, retryAfterMs(headers)) };
}

/** The header Retry-After: seconds, or a date, which is read by the server's own clock (RFC 9110 10.2.3). */
export function retryAfterMs(headers: Readonly<Record<string, unknown>>): number | undefined {
  const [value, date] = [String(headers['retry-after']), String(headers.date)];
  const ms = /^\d{1,7}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(date);
  return ms > 0 ? ms : undefined;
}

/** Notes when the agent's connection is up, TLS and certificate included. Before that no byte of a request has left. */
function watch<A extends http.Agent>(
  agent: A,
  upEvent: 'connect' | 'secureConnect',
  connection: { mayBeUp: boolean },
): A {
  const createConnection = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = createConnection(options, callback);
    connection.mayBeUp ||= !socket; // One that cannot be watched may come up unseen.
    socket?.once(upEvent, () => {
      connection.mayBeUp = true;
    });
    return socket;
  };
  return agent;
}

interface Trouble {
  readonly fault: FaultId;
  readonly why: string;
}

function timeOut(isUp: boolean, { timeoutMs }: Deadline): Trouble {
  return {
    fault: isUp ? 'answer_timeout' : 'connect_timeout',
    why: `given up at the deadline of ${timeoutMs} ms`,
  };
}

function faultOf(error: unknown): Trouble {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  if (typeof code !== 'string') return { fault: 'other', why: 'unknown error' };
  // axios has one code for an answer that is too large and one that ends too soon.
  if (code === 'ERR_BAD_RESPONSE') {
    const isTooLarge = message?.startsWith('maxContentLength');
    return { fault: isTooLarge ? 'answer_too_large' : 'reset', why: code };
  }
  return { fault: faultOfCode(code), why: code };
}
