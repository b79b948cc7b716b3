import { StoreUnavailableError } from '../errors.js';
import type { JsonObject } from '../json-object.js';
import type { LoginAnswer } from '../ports/login-store.js';
import type { AppName } from '../token.js';
import { beginAuthorization, type Authorization, type AuthorizationRequest } from './authorization.js';
import { CodeExchange } from './code-exchange.js';
import { DropInLogin } from './drop-in-login.js';
import { answerOf } from './refusal-error.js';
import { isPlausible, proofOf, type Proof } from './handles.js';
import { HostedLogin, type CallbackRequest } from './hosted-login.js';
import { LoginApps, type LoginApp } from './login-app.js';
import type { LoginPorts } from './login-call.js';
import { LoginError } from './login-error.js';
import { UserLookup, type KnownUsers, type UsersRequest } from './known-users.js';
import { MiniProgram } from './mini-program.js';
import { UserSessions, type RawTokens, type SessionRequest } from './user-sessions.js';

const STORE_RETRY_SECONDS = 2;

/** Who brings a code, for which app. */
interface CodeOfClient {
  readonly app: AppName;
  readonly client: string;
  readonly code: string;
}

/**
 * Logs users in, with the AppSecrets that no other service has. Who may use which app, its callers have checked. All that
 * is not for drop-in endpoints throws `LoginError`, and what needs the app's own token `BrokerError` as well.
 */
export class LoginService {
  /** What SDKs ask that take this broker for their platform. */
  readonly dropIn: DropInLogin;
  private readonly apps: LoginApps;
  private readonly exchanges: CodeExchange;
  private readonly sessions: UserSessions;
  private readonly miniProgram: MiniProgram;
  private readonly hosted: HostedLogin;
  private readonly lookup: UserLookup;

  constructor(
    apps: readonly LoginApp[],
    private readonly ports: LoginPorts,
  ) {
    this.apps = new LoginApps(apps);
    this.exchanges = new CodeExchange(ports);
    this.sessions = new UserSessions(this.apps, ports);
    this.miniProgram = new MiniProgram(this.apps, this.sessions, ports);
    this.lookup = new UserLookup(this.apps, ports);
    this.hosted = new HostedLogin(this.apps, this.exchanges, ports);
    this.dropIn = new DropInLogin(this.apps, this.exchanges, ports);
  }

  /** As `LoginApps.configure`. */
  configure(apps: readonly LoginApp[]): void {
    this.apps.configure(apps);
  }

  /** Begins a login in a browser. */
  authorizeUrl({
    app,
    ...request
  }: AuthorizationRequest & { readonly app: AppName }): Promise<Authorization> {
    return this.stored(() => beginAuthorization(this.apps.get(app), this.ports.store, request));
  }

  /**
   * A code that came back to a service. The state is checked and used up before the code is sent; the same four values
   * get the same answer for a minute.
   */
  exchange(request: CodeOfClient & { readonly state: string; readonly proof: Proof }): Promise<LoginAnswer> {
    return this.stored(async () => {
      const { client, code, state } = request;
      const app = this.apps.get(request.app);
      if (!app.login.authorizeUrl) throw new LoginError('wrong_app_type');
      if (!isPlausible(code)) throw new LoginError('code_missing');
      if (!isPlausible(state)) throw new LoginError('state_unknown');
      const check = { state, way: 'direct', client, proof: proofOf(request.proof) } as const;
      return answerOf(app, await this.exchanges.run(app, { surface: 'native', code, client, check }));
    });
  }

  /** A code of `wx.login`, which came by the mini program's own call, and so without a state. */
  exchangeJsCode(request: CodeOfClient): Promise<LoginAnswer> {
    return this.stored(async () => {
      const { client, code } = request;
      const app = this.apps.get(request.app);
      if (app.login.appType !== 'mini_program') throw new LoginError('wrong_app_type');
      if (!isPlausible(code)) throw new LoginError('code_missing');
      return answerOf(app, await this.exchanges.run(app, { surface: 'native', code, client, check: null }));
    });
  }

  /** Where the hosted callback sends the browser. */
  callback(request: CallbackRequest): Promise<{ readonly redirectTo: string }> {
    return this.stored(() => this.hosted.callback(request));
  }

  redeem(request: Parameters<HostedLogin['redeem']>[0]): Promise<LoginAnswer> {
    return this.stored(() => this.hosted.redeem(request));
  }

  profile(request: Parameters<UserSessions['profile']>[0]): Promise<JsonObject> {
    return this.stored(() => this.sessions.profile(request));
  }

  tokens(request: SessionRequest): Promise<RawTokens> {
    return this.stored(() => this.sessions.tokens(request));
  }

  logout(request: SessionRequest): Promise<void> {
    return this.stored(() => this.sessions.end(request));
  }

  checkSession(request: SessionRequest): Promise<boolean> {
    return this.stored(() => this.miniProgram.checkSession(request));
  }

  decrypt(request: Parameters<MiniProgram['decrypt']>[0]): Promise<JsonObject> {
    return this.stored(() => this.miniProgram.decrypt(request));
  }

  sessionKey(request: SessionRequest): Promise<string> {
    return this.stored(() => this.miniProgram.sessionKey(request));
  }

  phone(request: Parameters<MiniProgram['phone']>[0]): Promise<JsonObject> {
    return this.stored(() => this.miniProgram.phone(request));
  }

  /** Stores what only memory holds, before the process ends. Takes at most this long. Never throws. */
  flush(limitMs: number): Promise<void> {
    return this.sessions.flush(limitMs);
  }

  /** What the platform knows of users by the app's own token. */
  users(request: UsersRequest): Promise<KnownUsers> {
    return this.lookup.users(request);
  }

  private async stored<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      throw new LoginError('store_unavailable', { retryAfterSeconds: STORE_RETRY_SECONDS, cause: error });
    }
  }
}
