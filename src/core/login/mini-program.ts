import type { JsonObject } from '../json-object.js';
import { isPlausible } from './handles.js';
import type { LoginApp, LoginApps } from './login-app.js';
import { withAppToken, type LoginPorts } from './login-call.js';
import { LoginError } from './login-error.js';
import { answered, refusalError } from './refusal-error.js';
import type { SessionRequest, UserSessions } from './user-sessions.js';

interface KeyedSession {
  readonly app: LoginApp;
  readonly openid: string;
  readonly sessionKey: string;
}

/**
 * What a mini program's user has in place of tokens: a session_key. WeChat takes only the newest of each user, whichever
 * login brought it, so it is kept by openid and not by session.
 */
export class MiniProgram {
  constructor(
    private readonly apps: LoginApps,
    private readonly sessions: UserSessions,
    private readonly ports: LoginPorts,
  ) {}

  /** Whether WeChat still takes the session_key. */
  async checkSession(request: SessionRequest): Promise<boolean> {
    return this.isValid(await this.keyed(request));
  }

  /** What the mini program got encrypted for this user. */
  async decrypt(
    request: SessionRequest & { readonly encryptedData: string; readonly iv: string },
  ): Promise<JsonObject> {
    const keyed = await this.keyed(request);
    const { app, sessionKey } = keyed;
    const { encryptedData, iv } = request;
    const data = app.login.decrypt?.({ appId: app.appId, sessionKey, encryptedData, iv });
    if (data === undefined) throw new LoginError('wrong_app_type');
    if (data !== null) return data;
    // Either the data is wrong, or the key: the platform knows.
    throw new LoginError((await this.isValid(keyed)) ? 'data_invalid' : 'reauthorize_required');
  }

  async sessionKey(request: SessionRequest): Promise<string> {
    return (await this.keyed(request)).sessionKey;
  }

  /** Spends a code of the phone number component. It is sent once; there is nothing to wait for. */
  async phone(request: {
    readonly app: string;
    readonly code: string;
    readonly openid?: string | undefined;
  }): Promise<JsonObject> {
    const app = this.apps.get(request.app);
    const phone = app.login.phone?.bind(app.login);
    if (!phone) throw new LoginError('wrong_app_type');
    const { code, openid } = request;
    if (!isPlausible(code)) throw new LoginError('code_missing');
    const outcome = await withAppToken(app, this.ports, (token, deadline) =>
      phone(token, { code, openid }, deadline),
    );
    if (outcome.kind === 'unknown')
      throw new LoginError('exchange_outcome_unknown', { cause: outcome.cause });
    if (outcome.kind === 'refused') throw refusalError(outcome, 'code_invalid');
    return answered(app, outcome);
  }

  private async keyed(request: SessionRequest): Promise<KeyedSession> {
    const { app, session } = await this.sessions.find(request);
    if (session.tokens) throw new LoginError('wrong_app_type');
    const { openid } = session;
    const sessionKey = await this.ports.store.sessionKey(app, openid);
    if (sessionKey === null) throw new LoginError('reauthorize_required');
    return { app, openid, sessionKey };
  }

  private async isValid({ app, openid, sessionKey }: KeyedSession): Promise<boolean> {
    const checkSession = app.login.checkSession?.bind(app.login);
    if (!checkSession) throw new LoginError('wrong_app_type');
    const outcome = await withAppToken(app, this.ports, (token, deadline) =>
      checkSession(token, { openid, sessionKey }, deadline),
    );
    if (outcome.kind === 'refused' && outcome.meaning === 'session_stale') return false;
    return answered(app, outcome);
  }
}
