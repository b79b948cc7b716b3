import { MemoryLoginStore } from '../../src/storage/memory/index.js';
import type { LoginApp } from '../../src/core/login/login-app.js';
import { LoginService } from '../../src/core/login/login-service.js';
import type { AccessTokenSource, AppCredentials, Deadline } from '../../src/core/ports/token-issuer.js';
import { StoreUnavailableError } from '../../src/core/errors.js';
import type { BrokerEvent } from '../../src/core/ports/events.js';
import {
  LoginProvider,
  type AppType,
  type AuthorizeRequest,
  type LoginOutcome,
  type UserGrant,
  type UserTokens,
} from '../../src/core/ports/login-provider.js';
import type { LoginStore } from '../../src/core/ports/login-store.js';
import { AppSecrets } from '../../src/core/app-secrets.js';
import { ManualClock } from './manual-clock.js';

type Profile = Readonly<Record<string, unknown>>;

/** A refusal with this errcode, which means that. */
export function refused(
  errcode: number,
  meaning: Extract<LoginOutcome<never>, { kind: 'refused' }>['meaning'],
): LoginOutcome<never> {
  const remedy = `What to do about ${String(errcode)}.`;
  return { kind: 'refused', errcode, message: '', meaning, remedy, secretRejected: errcode === 40125 };
}

export const LOST = { kind: 'unknown', cause: new Error('no answer in time') } as const;
export const NOT_SENT = { kind: 'not_sent', cause: new Error('connection refused') } as const;

/** A user by the code that names it: `code-of-mary` logs `mary` in. Answers otherwise as it is told to. */
class FakeLoginProvider extends LoginProvider {
  override readonly defaultScope = 'base';
  override readonly scopes = ['base', 'profile'];
  /** Every call that was made, by its method, in order. */
  readonly calls: { readonly method: string; readonly value: string; readonly appSecret?: string }[] = [];
  /** Outcomes of the next exchanges, in order, before the default applies again. */
  readonly next: (LoginOutcome<UserGrant> | Promise<LoginOutcome<UserGrant>>)[] = [];
  readonly nextRefresh: (LoginOutcome<UserTokens> | Promise<LoginOutcome<UserTokens>>)[] = [];
  readonly nextProfile: LoginOutcome<Profile>[] = [];
  readonly nextSessionCheck: LoginOutcome<boolean>[] = [];
  readonly nextPhone: LoginOutcome<Profile>[] = [];
  readonly nextUsers: LoginOutcome<readonly Profile[]>[] = [];
  override readonly maxUsersPerCall: number;
  private minted = 0;
  private keys = 0;

  constructor(override readonly appType: AppType = 'official_account') {
    super();
    this.maxUsersPerCall = appType === 'official_account' ? 100 : 0;
    if (appType === 'mini_program') this.authorizeUrl = undefined as never;
  }

  override authorizeUrl(request: AuthorizeRequest): string {
    return `https://login.example.com/?${new URLSearchParams({ redirect_uri: request.redirectUri, scope: request.scope, state: request.state }).toString()}`;
  }

  override exchange(
    { appSecret }: AppCredentials,
    { code }: { readonly code: string },
    deadline: Deadline,
  ): Promise<LoginOutcome<UserGrant>> {
    this.calls.push({ method: 'exchange', value: code, appSecret });
    const value = this.grantOf(code.replace('code-of-', ''));
    return inTime(this.next.shift() ?? { kind: 'answered', value, body: JSON.stringify(value) }, deadline);
  }

  override refresh(
    _credentials: AppCredentials,
    refreshToken: string,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserTokens>> {
    this.calls.push({ method: 'refresh', value: refreshToken });
    const value = this.tokens();
    return inTime(
      this.nextRefresh.shift() ?? { kind: 'answered', value, body: JSON.stringify(value) },
      deadline,
    );
  }

  override async profile(
    _appId: string,
    {
      accessToken,
      openid,
      lang,
    }: { readonly accessToken: string; readonly openid: string; readonly lang?: string },
  ): Promise<LoginOutcome<Profile>> {
    this.calls.push({ method: 'profile', value: accessToken });
    const value = { openid, nickname: '小王', ...(lang !== undefined && { lang }) };
    return this.nextProfile.shift() ?? { kind: 'answered', value, body: JSON.stringify(value) };
  }

  override async checkToken({
    accessToken,
  }: {
    readonly accessToken: string;
  }): Promise<LoginOutcome<Profile>> {
    this.calls.push({ method: 'checkToken', value: accessToken });
    return { kind: 'answered', value: {}, body: '{"errcode":0,"errmsg":"ok"}' };
  }

  override async checkSession(
    globalToken: string,
    { sessionKey }: { readonly sessionKey: string },
  ): Promise<LoginOutcome<boolean>> {
    this.calls.push({ method: 'checkSession', value: `${globalToken} ${sessionKey}` });
    return this.nextSessionCheck.shift() ?? { kind: 'answered', value: true, body: '' };
  }

  /** Opens what was "encrypted" with the key: JSON of the key and the data. */
  override decrypt({
    sessionKey,
    encryptedData,
  }: {
    readonly sessionKey: string;
    readonly encryptedData: string;
  }): Profile | null {
    const [key, data] = JSON.parse(encryptedData) as [string, Profile];
    return key === sessionKey ? data : null;
  }

  override async phone(
    globalToken: string,
    { code }: { readonly code: string },
  ): Promise<LoginOutcome<Profile>> {
    this.calls.push({ method: 'phone', value: `${globalToken} ${code}` });
    return this.nextPhone.shift() ?? { kind: 'answered', value: { phoneNumber: '+8613800000000' }, body: '' };
  }

  /** Knows everybody whose openid is `openid-of-…`. */
  override async users(
    globalToken: string,
    { openids, lang }: { readonly openids: readonly string[]; readonly lang?: string },
  ): Promise<LoginOutcome<readonly Profile[]>> {
    this.calls.push({ method: 'users', value: `${globalToken} ${String(openids.length)}` });
    const next = this.nextUsers.shift();
    if (next) return next;
    if (!openids.every((openid) => openid.startsWith('openid-of-'))) return refused(40003, 'data_invalid');
    const value = openids.map((openid) => ({ openid, ...(lang !== undefined && { lang }) }));
    return { kind: 'answered', value, body: '' };
  }

  callsOf(method: string): string[] {
    return this.calls.filter((call) => call.method === method).map(({ value }) => value);
  }

  grantOf(user: string): UserGrant {
    const who = {
      openid: `openid-of-${user}`,
      unionid: `unionid-of-${user}`,
      scope: ['base'],
      isSnapshot: false,
    };
    if (this.appType !== 'mini_program') return { ...who, tokens: this.tokens() };
    this.keys += 1;
    return { ...who, scope: [], sessionKey: `session-key-${String(this.keys)}` };
  }

  private tokens(): UserTokens {
    this.minted += 1;
    const count = String(this.minted);
    return {
      accessToken: `user-token-${count}`,
      expiresInSeconds: 7200,
      refreshToken: `refresh-token-${count}`,
    };
  }
}

/** A call that never ends ends at its deadline, with the outcome unknown. */
function inTime<T>(
  outcome: LoginOutcome<T> | Promise<LoginOutcome<T>>,
  { signal }: Deadline,
): Promise<LoginOutcome<T>> {
  const timeout = new Promise<LoginOutcome<T>>((resolve) => {
    signal.addEventListener('abort', () => {
      resolve(LOST);
    });
  });
  return Promise.race([outcome, timeout]);
}

/** The app's own token: `global-1`, and after each report the next one. */
class FakeTokens implements AccessTokenSource {
  private count = 1;

  async current(): Promise<string> {
    return `global-${String(this.count)}`;
  }

  async replace(): Promise<string> {
    this.count += 1;
    return this.current();
  }
}

export const LOGIN_TIMEOUT_MS = 8000;
export const LANDING = 'https://shop.example.com/back';

export function createLogin(changes: Partial<LoginApp> & { readonly type?: AppType } = {}) {
  const { type = 'official_account', ...rest } = changes;
  const clock = new ManualClock();
  const provider = new FakeLoginProvider(type);
  const shared = new MemoryLoginStore(clock);
  const emitted: BrokerEvent[] = [];
  let isCut = false;
  const store = new Proxy<LoginStore>(shared, {
    get: (target, name, receiver) =>
      isCut && typeof name === 'string' && name in target
        ? () => Promise.reject(new StoreUnavailableError('connection is closed'))
        : (Reflect.get(target, name, receiver) as unknown),
  });
  const app: LoginApp = {
    name: 'shop',
    provider: 'fake',
    appId: 'wx0123456789abcdef',
    login: provider,
    redirectUris: [LANDING],
    callbackBaseUrl: null,
    timeoutMs: LOGIN_TIMEOUT_MS,
    secrets: new AppSecrets('first-secret'),
    tokens: new FakeTokens(),
    ...rest,
  };
  const replica = (): LoginService =>
    new LoginService([app], {
      store,
      ownStore: new MemoryLoginStore(clock),
      clock,
      events: { emit: (event: BrokerEvent): unknown => emitted.push(event) },
    });
  const login = replica();
  const started = async (client = 'orders') =>
    login.authorizeUrl({ app: app.name, client, redirectUri: LANDING });
  return {
    app,
    clock,
    provider,
    emitted,
    login,
    /** What the replicas share. */
    shared,
    /** Another replica over the same store. */
    replica,
    cutStore: (cut: boolean) => {
      isCut = cut;
    },
    /** Begins a login. */
    started,
    /** What a service sends when the browser came back with this code. */
    returned: async (code: string, client = 'orders') => {
      const { state, binding } = await started(client);
      return { app: app.name, client, code, state, proof: { binding } };
    },
    /** The code of a `LoginError` that the work throws. */
    errorOf: (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'none',
        (error: unknown) => (error as { code?: string }).code ?? String(error),
      ),
  };
}

/** A broker at which a user has a session. */
export async function loggedIn(changes: Parameters<typeof createLogin>[0] = {}) {
  const fixture = createLogin(changes);
  const { session } = await fixture.login.exchange(await fixture.returned('code-of-mary'));
  return { ...fixture, request: { client: 'orders', session: session ?? '' } };
}
