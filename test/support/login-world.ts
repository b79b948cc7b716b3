import { randomBytes } from 'node:crypto';
import { QqSimulator, type WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from './broker-config.js';
import { startBroker, type BrokerProcess } from './broker-process.js';
import { eventually } from './eventually.js';
import type { HttpAnswer } from './http-client.js';
import { OtlpReceiver } from './otlp-receiver.js';
import { RedisServer } from './redis-server.js';
import { startPlatform } from './start-platform.js';

export const LANDING = 'https://shop.example.com/login/back';
export const EXCHANGE = '/sns/oauth2/access_token';
export const QQ_TOKEN = '/oauth2.0/token';
export const KEYS = { orders: newApiKey(), billing: newApiKey() };
export const APPS = {
  shop: newApp(),
  mini: { ...newApp(), type: 'mini_program' as const },
  hosted: newApp(),
};
const QQ = { appId: '101234568', appKey: randomBytes(16).toString('hex') };
const UPSTREAM_TIMEOUT_SECONDS = 2;
/** A token is renewed from a minute before its end on: these are due after 3 s. */
const QQ_TOKEN_SECONDS = 63;

export type LoginAppName = keyof typeof APPS | 'qq';

/** Members of answers that hold a secret. */
const SECRET_MEMBERS = [
  'session',
  'access_token',
  'refresh_token',
  'session_key',
  'state',
  'binding',
] as const;

/** Two replicas over one Redis, WeChat and QQ, a collector of traces; and all that must be in no output. */
export class LoginWorld {
  /** Values that the platforms or the broker gave, and the AppSecrets. */
  readonly secrets = new Set<string>([...Object.values(APPS).map(({ appSecret }) => appSecret), QQ.appKey]);
  /** Bodies of all answers that were refusals. */
  readonly refusals: string[] = [];

  private constructor(
    readonly wechat: WechatSimulator,
    readonly qq: QqSimulator,
    readonly redis: RedisServer,
    readonly collector: OtlpReceiver,
    readonly replicas: readonly [BrokerProcess, BrokerProcess],
  ) {}

  static async start(): Promise<LoginWorld> {
    const wechat = await startPlatform({ apps: Object.values(APPS) });
    const qq = new QqSimulator({ apps: [QQ], expiresInSeconds: QQ_TOKEN_SECONDS, codeLifeSeconds: 600 });
    await qq.start();
    const redis = await RedisServer.start();
    const collector = await OtlpReceiver.start();
    const refresh = { upstreamTimeoutSeconds: UPSTREAM_TIMEOUT_SECONDS };
    const login = (platform: { readonly url: string }, more: object = {}) => ({
      login: { redirectUris: [LANDING], authorizeBaseUrl: platform.url, ...more },
    });
    const hosting = { callbackBaseUrl: 'https://login.example.com' };
    const config = brokerConfig({
      apps: [
        { name: 'shop', ...APPS.shop, apiBaseUrl: wechat.url, refresh, more: login(wechat) },
        { name: 'mini', ...APPS.mini, apiBaseUrl: wechat.url, refresh },
        { name: 'hosted', ...APPS.hosted, apiBaseUrl: wechat.url, refresh, more: login(wechat, hosting) },
      ],
      keys: KEYS,
      scopes: ['login', 'login:tokens', 'login:session-key', 'users:read'],
      sections: {
        redis: { url: redis.url() },
        encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
        audit: { reads: 'all' },
        tracing: { endpoint: collector.endpoint, sampleRatio: 1 },
      },
      server: { logLevel: 'trace', docs: true },
    }) as { apps: object[] };
    const ofQq = { appId: QQ.appId, appSecret: QQ.appKey, apiBaseUrl: qq.url, refresh };
    config.apps.push({ name: 'qq', provider: 'qq', ...ofQq, ...login(qq) });
    const key = KEYS.orders;
    const replicas = [await startBroker({ config, key }), await startBroker({ config, key })] as const;
    await Promise.all(replicas.map((replica) => replica.ready()));
    return new LoginWorld(wechat, qq, redis, collector, replicas);
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.kill()));
    await this.qq.stop();
  }

  /** A code that the user has consented to. */
  newCode(app: LoginAppName = 'shop', user = 'mary', scope?: 'snsapi_userinfo'): string {
    const spec = { user, ...(scope && { scope }) };
    const { code } =
      app === 'qq'
        ? this.qq.createCode({ user, redirectUri: LANDING })
        : this.wechat.login.createCode({ appId: APPS[app].appId, ...spec });
    return this.keep(code);
  }

  keep(secret: string): string {
    this.secrets.add(secret);
    return secret;
  }

  /** A call of a backend service. */
  async ask(replica: BrokerProcess, route: string, body: object, key = KEYS.orders): Promise<HttpAnswer> {
    return this.noted(await replica.post(`/login/${route}`, body, key));
  }

  async begin(app: LoginAppName, replica = this.replicas[0]): Promise<{ state: string; binding: string }> {
    // Until Redis is back for it, where it was away.
    const { body } = await eventually('a login begun', async () => {
      const begun = await this.ask(replica, 'authorize-url', { app, redirect_uri: LANDING });
      return begun.status === 200 ? begun : undefined;
    });
    return { state: String(body.state), binding: String(body.binding) };
  }

  /** What a service sends when the browser came back. */
  async returned(code: string, app: LoginAppName = 'shop', replica = this.replicas[0]) {
    return { app, code, ...(await this.begin(app, replica)) };
  }

  /** The handle of a user who logged in. */
  async loggedIn(app: LoginAppName, user = 'mary', scope?: 'snsapi_userinfo'): Promise<string> {
    const { status, body, text } = await this.ask(
      this.replicas[0],
      'exchange',
      await this.returned(this.newCode(app, user, scope), app),
    );
    if (status !== 200) throw new Error(`${user} is not logged in: ${text}`);
    return String(body.session);
  }

  dropIn(
    replica: BrokerProcess,
    code: string,
    secret = KEYS.orders,
    app: 'shop' | 'mini' = 'shop',
  ): Promise<HttpAnswer> {
    const given = { appid: APPS[app].appId, secret, grant_type: 'authorization_code' };
    return app === 'shop'
      ? this.sns(replica, '/oauth2/access_token', { ...given, code })
      : this.sns(replica, '/jscode2session', { ...given, js_code: code });
  }

  async sns(replica: BrokerProcess, path: string, given: Record<string, string>): Promise<HttpAnswer> {
    return this.noted(await replica.get(`/sns${path}?${new URLSearchParams(given).toString()}`));
  }

  /** As a browser that comes to the hosted callback. */
  async callback(replica: BrokerProcess, given: Record<string, string>) {
    const url = `${replica.url}/login/callback/hosted?${new URLSearchParams(given).toString()}`;
    const answer = await fetch(url, { redirect: 'manual' });
    const location = answer.headers.get('location');
    if (answer.status >= 400) this.refusals.push(await answer.text());
    const ticket = location === null ? null : new URL(location).searchParams.get('ticket');
    if (ticket !== null) this.keep(ticket);
    return { status: answer.status, location, ticket };
  }

  /** How often the platform got the code. */
  sent(code: string): number | undefined {
    return [...this.wechat.login.codes(), ...this.qq.codes()].find((one) => one.code === code)?.sent;
  }

  /** Calls of the platforms to a path, or to all paths of logins. */
  calls(path?: string): number {
    return [...this.wechat.calls().counts, ...this.qq.calls().counts]
      .filter((one) => (path === undefined ? /^\/(sns|oauth2\.0|user)\//.test(one.path) : one.path === path))
      .reduce((sum, { requests }) => sum + requests, 0);
  }

  private noted(answer: HttpAnswer): HttpAnswer {
    const { body, status, text } = answer;
    if (status >= 400 || body.errcode !== undefined) this.refusals.push(text);
    for (const name of SECRET_MEMBERS) if (typeof body[name] === 'string') this.keep(body[name]);
    return answer;
  }
}
