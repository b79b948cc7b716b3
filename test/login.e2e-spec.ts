import { randomBytes } from 'node:crypto';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import type { HttpAnswer } from './support/http-client.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';

const LANDING = 'https://shop.example.com/login/back';
const WEB = { name: 'shop', ...newApp() };
const MINI = { name: 'mini', ...newApp(), type: 'mini_program' as const };
const KEYS = { orders: newApiKey(), billing: newApiKey() };
const EXCHANGE = '/sns/oauth2/access_token';
const TIMEOUT_SECONDS = 2;

/** Two replicas over one Redis, and the platform. */
interface World {
  readonly simulator: WechatSimulator;
  readonly redis: RedisServer;
  readonly replicas: readonly [BrokerProcess, BrokerProcess];
}

async function start(): Promise<World> {
  const simulator = await startPlatform({ apps: [WEB, MINI] });
  const redis = await RedisServer.start();
  const config = brokerConfig({
    apps: [WEB, MINI].map((app) => ({
      ...app,
      apiBaseUrl: simulator.url,
      refresh: { upstreamTimeoutSeconds: TIMEOUT_SECONDS },
      more: app === WEB ? { login: { redirectUris: [LANDING] } } : {},
    })),
    keys: KEYS,
    scopes: ['login', 'login:tokens', 'login:session-key'],
    sections: {
      redis: { url: redis.url() },
      encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
    },
    server: { logLevel: 'debug' },
  });
  const key = KEYS.orders;
  const replicas = [await startBroker({ config, key }), await startBroker({ config, key })] as const;
  await Promise.all(replicas.map((replica) => replica.ready()));
  return { simulator, redis, replicas };
}

describe('logins over two replicas and one Redis', () => {
  let world: World;
  /** All that must be in no output. */
  const secrets = new Set<string>([WEB.appSecret, MINI.appSecret]);
  beforeAll(async () => {
    world = await start();
  });

  const newCode = (app = WEB, user = 'mary'): string => {
    const { code } = world.simulator.login.createCode({ appId: app.appId, user });
    secrets.add(code);
    return code;
  };
  /** What a service sends when the browser came back. */
  const returned = async (code: string): Promise<object> => {
    const [first] = world.replicas;
    // Until Redis is back for it, where it was away.
    const { body } = await eventually('a login begun', async () => {
      const begun = await first.post('/login/authorize-url', { app: 'shop', redirect_uri: LANDING });
      return begun.status === 200 ? begun : undefined;
    });
    const { state, binding } = body as { state: string; binding: string };
    secrets.add(state).add(binding);
    return { app: 'shop', code, state, binding };
  };
  const dropIn = (replica: BrokerProcess, code: string, secret = KEYS.orders): Promise<HttpAnswer> =>
    replica.get(`${EXCHANGE}?appid=${WEB.appId}&secret=${secret}&code=${code}&grant_type=authorization_code`);
  const sent = (code: string): number | undefined =>
    world.simulator.login.codes().find((one) => one.code === code)?.sent;
  const note = ({ body }: HttpAnswer): void => {
    for (const value of [body.session, body.access_token, body.refresh_token, body.session_key]) {
      if (typeof value === 'string') secrets.add(value);
    }
  };

  it('send a code once for 50 native exchanges at once, and give one answer', async () => {
    const code = newCode();
    const request = await returned(code);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        world.replicas[index % 2 === 0 ? 0 : 1].post('/login/exchange', request),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({
      scope: ['snsapi_base'],
      snapshot: false,
      session: expect.stringMatching(/^tbs_/),
    });
    expect(sent(code)).toBe(1);
    answers.slice(0, 1).forEach(note);
  });

  it('send a code once for 50 drop-in exchanges at once, and none for another key', async () => {
    const code = newCode();
    const [first, second] = world.replicas;
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => dropIn(index % 2 === 0 ? first : second, code)),
    );
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.body.openid).toEqual(expect.any(String));
    expect((await dropIn(second, code, KEYS.billing)).body.errcode).toBe(40163);
    expect((await second.post('/login/exchange', await returned(code))).body.code).toBe('code_used');
    expect(sent(code)).toBe(1);
    answers.slice(0, 1).forEach(note);
  });

  it('take a lost answer for a spent code, on both replicas and both surfaces', async () => {
    const [first, second] = world.replicas;
    const native = newCode();
    const request = await returned(native);
    world.simulator.addFault({ path: EXCHANGE, reset: 'after' });
    expect((await first.post('/login/exchange', request)).body).toMatchObject({
      status: 502,
      code: 'exchange_outcome_unknown',
      action: 'reauthorize',
    });
    expect((await second.post('/login/exchange', request)).body.code).toBe('exchange_outcome_unknown');
    const code = newCode();
    world.simulator.addFault({ path: EXCHANGE, status: 502 });
    expect((await dropIn(first, code)).body.errcode).toBe(40163);
    expect((await dropIn(second, code)).body.errcode).toBe(40163);
    expect([sent(native), sent(code)]).toEqual([1, 1]);
  });

  it('keep a mini program’s session_key, open what is encrypted with it, and give it to its client alone', async () => {
    const [first, second] = world.replicas;
    const { body, status } = await first.post('/login/exchange', { app: 'mini', js_code: newCode(MINI) });
    expect(status).toBe(200);
    const { session } = body;
    secrets.add(String(session));
    const key = await second.post('/login/session/key', { session });
    note(key);
    expect(key.body.session_key).toEqual(expect.any(String));
    expect((await second.post('/login/session/key', { session }, KEYS.billing)).body.code).toBe(
      'session_unknown',
    );
    expect((await second.post('/login/session/check', { session })).body).toEqual({ valid: true });
    const sealed = world.simulator.login.encrypt({
      appId: MINI.appId,
      user: 'mary',
      data: { city: '深圳' },
    });
    const { encrypted_data, iv } = sealed;
    const opened = await first.post('/login/session/decrypt', { session, encrypted_data, iv });
    expect(opened.body.data).toMatchObject({ city: '深圳' });
  });

  it('give a user’s own tokens on either replica, and end on both at once', async () => {
    const [first, second] = world.replicas;
    const { body } = await first.post('/login/exchange', await returned(newCode()));
    const answers = await Promise.all(
      [first, second].map((replica) => replica.post('/login/tokens', { session: body.session })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    answers.forEach(note);
    expect((await second.post('/login/logout', { session: body.session })).status).toBe(204);
    expect((await first.post('/login/userinfo', { session: body.session })).body.code).toBe(
      'session_unknown',
    );
  });

  it('go on without Redis where an SDK asks, and say so where a session is needed', async () => {
    const [first] = world.replicas;
    const request = await returned(newCode());
    world.redis.freeze();
    try {
      const code = newCode();
      const answer = await dropIn(first, code);
      note(answer);
      expect(answer.body.openid).toEqual(expect.any(String));
      expect((await dropIn(first, code)).text).toBe(answer.text);
      expect(sent(code)).toBe(1);
      const refused = await first.post('/login/exchange', request);
      expect(refused).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
    } finally {
      world.redis.thaw();
    }
  });

  it('never send a code again whose replica was killed in the middle', async () => {
    const [first, second] = world.replicas;
    const native = newCode();
    const request = await returned(native);
    const code = newCode();
    world.simulator.addFault({ path: EXCHANGE, times: 2, hang: true });
    const gone = [first.post('/login/exchange', request), dropIn(first, code)].map((one) =>
      one.catch(() => null),
    );
    await eventually('both are sent', () => sent(native) === 1 && sent(code) === 1);
    await first.kill();
    await Promise.all(gone);
    expect((await second.post('/login/exchange', request)).body.code).toBe('exchange_outcome_unknown');
    expect((await dropIn(second, code)).body.errcode).toBe(40163);
    expect([sent(native), sent(code)]).toEqual([1, 1]);
  });

  it('show no secret in logs, metrics or Redis', async () => {
    const [first, second] = world.replicas;
    const seen = [first.output(), second.output(), await second.metrics(), await world.redis.dump()].join(
      '\n',
    );
    expect(secrets.size).toBeGreaterThan(10);
    for (const secret of secrets) expect(seen.includes(secret)).toBe(false);
  });
});
