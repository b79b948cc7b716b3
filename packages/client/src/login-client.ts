import { LoginCalls, type Body } from './login-calls.js';

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
  /** `appid`, `redirect_uri`, `scope` and `state`, for a page that shows the QR code by WeChat's `wxLogin.js`. */
  readonly fields: Readonly<Record<string, string>>;
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

/** The user's own tokens at the platform. They must not reach a browser. */
export interface UserTokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresInSeconds: number;
  readonly openid: string;
  readonly scope: readonly string[];
}

/** Logs users in by the broker, which alone has the AppSecret. All calls throw `LoginClientError`. */
export class LoginClient {
  private readonly urls: readonly string[];
  readonly #calls: LoginCalls;
  private readonly app: string | undefined;

  /** @throws TypeError for options that cannot work */
  constructor({ url, apiKey, app, timeoutMs = 15_000 }: LoginClientOptions) {
    this.urls = (typeof url === 'string' ? [url] : url).map((one) => one.replace(/\/+$/, ''));
    if (this.urls.length === 0 || !this.urls.every((one) => /^https?:\/\//.test(one))) {
      throw new TypeError('LoginClient: url must be the http or https address of the broker, or several.');
    }
    if (typeof apiKey !== 'string' || !/^[\x21-\x7e]+$/.test(apiKey)) {
      throw new TypeError('LoginClient: apiKey must be a key as `access-token-broker keygen` prints it.');
    }
    if (!(timeoutMs > 0)) throw new TypeError('LoginClient: timeoutMs must be above 0.');
    this.app = app;
    this.#calls = new LoginCalls({ urls: this.urls, apiKey, timeoutMs });
  }

  /** Begins a login. `redirectUri` is one of the app's `login.redirectUris`, to the letter. */
  async authorizeUrl(request: {
    readonly redirectUri: string;
    readonly scope?: string | undefined;
    readonly forcePopup?: boolean | undefined;
    /** Of `createPkce()`: the exchange then takes the verifier instead of the binding. */
    readonly codeChallenge?: string | undefined;
  }): Promise<Authorization> {
    const answer = await this.#calls.post('authorize-url', {
      app: this.app,
      redirect_uri: request.redirectUri,
      scope: request.scope,
      force_popup: request.forcePopup,
      code_challenge: request.codeChallenge,
    });
    const { url, state, binding, expires_in, fields } = answer;
    return {
      url: String(url),
      state: String(state),
      binding: String(binding),
      expiresInSeconds: Number(expires_in),
      fields: objectOf(fields) as Readonly<Record<string, string>>,
    };
  }

  /** Ends it, with what the callback brought, and what was kept for this browser: the binding of its cookie, or a verifier. */
  async exchange(request: {
    readonly code: string | undefined;
    readonly state: string | undefined;
    readonly binding?: string | undefined;
    readonly codeVerifier?: string | undefined;
  }): Promise<Login> {
    const { codeVerifier: code_verifier, code, state, binding } = request;
    return this.login('exchange', { app: this.app, code, state, binding, code_verifier });
  }

  /** The same for a mini program, with the code of `wx.login`. */
  async exchangeJsCode(jsCode: string): Promise<Login> {
    return this.login('exchange', { app: this.app, js_code: jsCode });
  }

  /** The same after a hosted callback. */
  async redeem(request: {
    readonly ticket: string | undefined;
    readonly binding: string | undefined;
  }): Promise<Login> {
    return this.login('redeem', request);
  }

  /** All that the platform tells of the user, under its own names. */
  async userinfo(session: string, lang?: string): Promise<Body> {
    return objectOf((await this.#calls.post('userinfo', { session, lang })).profile);
  }

  /** The user's own tokens. The API key needs the scope `login:tokens`. */
  async tokens(session: string): Promise<UserTokens> {
    const answer = await this.#calls.post('tokens', { session });
    const { access_token, refresh_token, expires_in, openid, scope } = answer;
    return {
      accessToken: String(access_token),
      ...(typeof refresh_token === 'string' && { refreshToken: refresh_token }),
      expiresInSeconds: Number(expires_in),
      openid: String(openid),
      scope: textsOf(scope),
    };
  }

  /** Of a mini program: whether the session_key is still the newest. */
  async checkSession(session: string): Promise<boolean> {
    return (await this.#calls.post('session/check', { session })).valid === true;
  }

  /** Of a mini program: what it got encrypted, both in base64. */
  async decrypt(session: string, encryptedData: string, iv: string): Promise<Body> {
    const body = { session, encrypted_data: encryptedData, iv };
    return objectOf((await this.#calls.post('session/decrypt', body)).data);
  }

  /** Of a mini program: the session_key, which must not reach it. The API key needs the scope `login:session-key`. */
  async sessionKey(session: string): Promise<string> {
    return String((await this.#calls.post('session/key', { session })).session_key);
  }

  /** Of a mini program: the phone number, for the code of its button. With `openid` the platform checks whose code it is. */
  async phone(code: string, openid?: string): Promise<Body> {
    const answer = await this.#calls.post('phone', { app: this.app, code, openid }, { spends: true });
    return objectOf(answer.phone_info);
  }

  async logout(session: string): Promise<void> {
    await this.#calls.post('logout', { session });
  }

  /** Whatever writes a client out must not find the API key. */
  toJSON(): object {
    return { url: this.urls };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  private async login(route: string, body: object): Promise<Login> {
    const answer = await this.#calls.post(route, body, { spends: true });
    const { openid, unionid, scope, snapshot, session, expires_in } = answer;
    return {
      openid: String(openid),
      ...(typeof unionid === 'string' && { unionid }),
      scope: textsOf(scope),
      snapshot: snapshot === true,
      session: typeof session === 'string' ? session : null,
      expiresInSeconds: Number(expires_in),
    };
  }
}

/** For one login, S256 (RFC 7636). Keep the verifier on your side, such as in the session of this browser. */
export async function createPkce(): Promise<{
  readonly codeVerifier: string;
  readonly codeChallenge: string;
}> {
  const codeVerifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(codeVerifier));
  return { codeVerifier, codeChallenge: base64url(new Uint8Array(digest)) };
}

function base64url(bytes: Uint8Array): string {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function objectOf(value: unknown): Body {
  return Object(value) as Body;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
