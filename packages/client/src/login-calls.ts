import { jsonOf } from './streams.js';
import { pause, TimeLimit } from './timers.js';
import { TokenClientError, type TokenClientErrorDetails } from './token-client-error.js';

/** What comes next. `reauthorize`: send the user to the authorize URL again; `fix_request`: the service's own fault. */
export type LoginAction = 'fix_request' | 'reauthorize' | 'retry' | 'fix_config' | 'stop';

const ACTIONS: readonly unknown[] = ['fix_request', 'reauthorize', 'retry', 'fix_config', 'stop'];

/** Why a login failed. Holds no code, state, session or key. */
export class LoginClientError extends TokenClientError {
  constructor(
    code: string,
    message: string,
    /** Undefined where the broker names none, as for a wrong API key. */
    readonly action: LoginAction | undefined,
    details: TokenClientErrorDetails = {},
  ) {
    super(code, message, details);
  }
}

/** By which the broker says that nothing was sent to the platform. */
const NOTHING_SENT: readonly string[] = ['upstream_unavailable', 'store_unavailable'];
/** No connection came about, so the broker was sent nothing. */
const NOT_CONNECTED: readonly unknown[] = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

export type Body = Readonly<Record<string, unknown>>;

interface LoginCallsOptions {
  readonly urls: readonly string[];
  readonly apiKey: string;
  /** For one call, all tries together. */
  readonly timeoutMs: number;
}

/** POSTs to the broker's `/login` routes. */
export class LoginCalls {
  constructor(private readonly options: LoginCallsOptions) {}

  /**
   * Tries at most twice, or once at each address: where nothing was sent, and, unless the call spends a code or ticket,
   * where no answer came.
   *
   * @throws LoginClientError
   */
  async post(route: string, body: object, { spends = false } = {}): Promise<Body> {
    const { urls, timeoutMs } = this.options;
    const endMs = performance.now() + timeoutMs;
    const never = new AbortController().signal;
    for (let trial = 1; ; trial += 1) {
      const limit = new TimeLimit(never, endMs - performance.now());
      try {
        return await this.send(`${urls[(trial - 1) % urls.length] ?? ''}/login/${route}`, body, limit);
      } catch (error) {
        const waitMs = waitMsAfter(error, spends);
        const isLast = trial >= Math.max(2, urls.length) || performance.now() + waitMs >= endMs;
        if (isLast) throw asLoginError(error, spends);
        await pause(waitMs, never, { isAwaited: true });
      } finally {
        limit.stop();
      }
    }
  }

  private async send(url: string, body: object, { signal }: TimeLimit): Promise<Body> {
    const response = await fetch(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.options.apiKey}` },
      // The key is for this address only.
      redirect: 'error',
      signal,
    });
    const answer = Object(await jsonOf(response, signal)) as Body;
    if (response.ok) return answer;
    const { code, detail, action, errcode, retry_after: retryAfter } = answer;
    throw new LoginClientError(
      typeof code === 'string' ? code : 'invalid_answer',
      typeof detail === 'string' ? detail : `The broker answered ${String(response.status)}.`,
      ACTIONS.includes(action) ? (action as LoginAction) : undefined,
      {
        status: response.status,
        errcode: typeof errcode === 'number' || typeof errcode === 'string' ? errcode : undefined,
        retryAfterSeconds: typeof retryAfter === 'number' ? retryAfter : undefined,
      },
    );
  }
}

/** Infinity: not again. */
function waitMsAfter(error: unknown, spends: boolean): number {
  if (!(error instanceof LoginClientError)) return spends && !isNotConnected(error) ? Infinity : 0;
  return NOTHING_SENT.includes(error.code) ? (error.retryAfterSeconds ?? 1) * 1000 : Infinity;
}

function isNotConnected(error: unknown): boolean {
  return NOT_CONNECTED.includes(causeOf(error).code);
}

/** Of `fetch`, whose own error says nothing. No `instanceof`: it may be of another realm. */
function causeOf(error: unknown): { readonly code?: unknown; readonly message?: unknown } {
  const { cause = error } = Object(error) as { readonly cause?: unknown };
  return Object(cause) as object;
}

function asLoginError(error: unknown, spends: boolean): LoginClientError {
  if (error instanceof LoginClientError) return error;
  const { message, code } = causeOf(error);
  const action = spends && !isNotConnected(error) ? 'reauthorize' : 'retry';
  const why = String(message === '' ? code : message);
  return new LoginClientError('unreachable', `The token broker does not answer: ${why}`, action, {
    cause: error,
  });
}
