import { jsonOf } from './streams.js';
import { TimeLimit } from './timers.js';
import { TokenClientError } from './token-client-error.js';

export interface LoginClientOptions {
  /** The broker's address, such as `http://token-broker:8080`; or several, of which one that answers is used. */
  readonly url: string | readonly string[];
  /** With the scope `login`. It must never reach a browser. */
  readonly apiKey: string;
  /** The app's alias. May be left out where the key sees only one app, or one is named `default`. */
  readonly app?: string | undefined;
  /** For one call, all tries together. Default: 15,000: the broker waits for the platform for 8 s. */
  readonly timeoutMs?: number | undefined;
}

/** Where the browser goes, and what comes back with it. */
export interface Authorization {
  readonly url: string;
  readonly state: string;
  /** For a cookie of this browser: HttpOnly, Secure, SameSite=Lax. */
  readonly binding: string;
  readonly expiresInSeconds: number;
}

export interface Login {
  readonly openid: string;
  readonly unionid?: string;
  readonly scope: readonly string[];
  /** A virtual user of WeChat's preview page: make no account for it, and link none to it. */
  readonly snapshot: boolean;
  /** For the other calls; null of a snapshot. */
  readonly session: string | null;
  readonly expiresInSeconds: number;
}

type Body = Readonly<Record<string, unknown>>;

/** Why a login failed. `action` says what to do: `reauthorize` sends the user to the authorize URL again. */
export class LoginClientError extends TokenClientError {
  constructor(
    code: string,
    message: string,
    readonly action: string | undefined,
    details: ConstructorParameters<typeof TokenClientError>[2],
  ) {
    super(code, message, details);
  }
}

/**
 * Logs users in by the broker, which alone has the AppSecret. All calls throw `LoginClientError`.
 *
 * Calls are tried at the next address when one gives no answer: the broker spends a code once, and the same values get
 * the same answer for a minute.
 */
export class LoginClient {
  private readonly urls: readonly string[];

  /** @throws TypeError for options that cannot work */
  constructor(private readonly options: LoginClientOptions) {
    const { url, apiKey } = options;
    this.urls = (typeof url === 'string' ? [url] : url).map((one) => one.replace(/\/+$/, ''));
    if (this.urls.length === 0 || !this.urls.every((one) => /^https?:\/\//.test(one))) {
      throw new TypeError('LoginClient: url must be the http or https address of the broker, or several.');
    }
    if (!/^[\x21-\x7e]+$/.test(apiKey)) {
      throw new TypeError('LoginClient: apiKey must be a key as `access-token-broker keygen` prints it.');
    }
  }

  /** Begins a login. `redirectUri` is one of the app's `login.redirectUris`, to the letter. */
  async authorizeUrl(request: {
    readonly redirectUri: string;
    readonly scope?: string | undefined;
    readonly forcePopup?: boolean | undefined;
  }): Promise<Authorization> {
    const { redirectUri: redirect_uri, scope, forcePopup: force_popup } = request;
    const answer = await this.post('authorize-url', { ...this.ofApp, redirect_uri, scope, force_popup });
    const { url, state, binding, expires_in } = answer;
    return {
      url: String(url),
      state: String(state),
      binding: String(binding),
      expiresInSeconds: Number(expires_in),
    };
  }

  /** Ends it, with what the callback and the browser's cookie brought. */
  async exchange(request: {
    readonly code: string | undefined;
    readonly state: string | undefined;
    readonly binding: string | undefined;
  }): Promise<Login> {
    return loginOf(await this.post('exchange', { ...this.ofApp, ...request }));
  }

  /** The same for a mini program, with the code of `wx.login`. */
  async exchangeJsCode(jsCode: string): Promise<Login> {
    return loginOf(await this.post('exchange', { ...this.ofApp, js_code: jsCode }));
  }

  /** The same after a hosted callback. */
  async redeem(request: {
    readonly ticket: string | undefined;
    readonly binding: string | undefined;
  }): Promise<Login> {
    return loginOf(await this.post('redeem', request));
  }

  /** All that the platform tells of the user, under its own names. */
  async userinfo(session: string, lang?: string): Promise<Body> {
    return objectOf((await this.post('userinfo', { session, lang })).profile);
  }

  /** Of a mini program: whether the session_key is still the newest. */
  async checkSession(session: string): Promise<boolean> {
    return (await this.post('session/check', { session })).valid === true;
  }

  /** Of a mini program: what it got encrypted, both in base64. */
  async decrypt(session: string, encryptedData: string, iv: string): Promise<Body> {
    const answer = await this.post('session/decrypt', { session, encrypted_data: encryptedData, iv });
    return objectOf(answer.data);
  }

  /** Of a mini program: the phone number, for the code of its button. */
  async phone(code: string, openid?: string): Promise<Body> {
    return objectOf((await this.post('phone', { ...this.ofApp, code, openid }, 1)).phone_info);
  }

  async logout(session: string): Promise<void> {
    await this.post('logout', { session });
  }

  /** Whatever writes a client out must not find the API key. */
  toJSON(): object {
    return { url: this.urls };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  private get ofApp(): object {
    return { app: this.options.app };
  }

  private async post(route: string, body: object, tries = Math.max(2, this.urls.length)): Promise<Body> {
    const { timeoutMs = 15_000 } = this.options;
    const endMs = performance.now() + timeoutMs;
    const never = new AbortController().signal;
    for (let trial = 0; ; trial += 1) {
      const limit = new TimeLimit(never, endMs - performance.now());
      try {
        return await this.send(`${this.urls[trial % this.urls.length] ?? ''}/login/${route}`, body, limit);
      } catch (error) {
        if (error instanceof LoginClientError || trial + 1 >= tries || performance.now() >= endMs) {
          throw asLoginError(error);
        }
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
    const answer = objectOf(await jsonOf(response, signal));
    if (response.ok) return answer;
    const { code, detail, action, errcode, retry_after: retryAfter } = answer;
    throw new LoginClientError(
      typeof code === 'string' ? code : 'invalid_answer',
      typeof detail === 'string' ? detail : `The broker answered ${String(response.status)}.`,
      typeof action === 'string' ? action : undefined,
      {
        status: response.status,
        errcode: typeof errcode === 'number' ? errcode : undefined,
        retryAfterSeconds: typeof retryAfter === 'number' ? retryAfter : undefined,
      },
    );
  }
}

function loginOf(answer: Body): Login {
  const { openid, unionid, scope, snapshot, session, expires_in } = answer;
  return {
    openid: String(openid),
    ...(typeof unionid === 'string' && { unionid }),
    scope: Array.isArray(scope) ? scope.map(String) : [],
    snapshot: snapshot === true,
    session: typeof session === 'string' ? session : null,
    expiresInSeconds: Number(expires_in),
  };
}

function objectOf(value: unknown): Body {
  return Object(value) as Body;
}

function asLoginError(error: unknown): LoginClientError {
  if (error instanceof LoginClientError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LoginClientError('unreachable', `The token broker does not answer: ${why}`, 'retry', {
    cause: error,
  });
}
