import { newApiKey, newApp } from './support/broker-config.js';
import { startWorld, type World } from './support/start-world.js';

const KEY = newApiKey();
const BACK = 'https://shop.example/login/back';
const SHOP = {
  name: 'shop',
  ...newApp(),
  more: { login: { redirectUris: [BACK] } },
};

describe('the three ways to what WeChat knows of a user', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({
      apps: [SHOP],
      keys: { orders: KEY },
      scopes: ['token:read', 'login', 'users:read'],
    });
    await world.broker.ready();
  });

  /** The user consents at the page that the broker names, which sends the browser back with a code. */
  async function logIn(scope: string): Promise<Record<string, unknown>> {
    const { broker, simulator } = world;
    const begun = await broker.post('/login/authorize-url', { app: 'shop', redirect_uri: BACK, scope });
    const { url = '', state, binding } = begun.body as { url?: string; state?: string; binding?: string };
    expect(url).toMatch(
      /\?appid=wx\w{16}&redirect_uri=[^&]+&response_type=code&scope=snsapi_\w+&state=[A-Za-z0-9]{43}#wechat_redirect$/,
    );
    const page = `${simulator.url}${new URL(url).pathname}${new URL(url).search}&__sim_user=alice`;
    const { headers } = await fetch(page, { redirect: 'manual' });
    const back = new URL(headers.get('location') ?? '');
    expect(back.searchParams.get('state')).toBe(state);
    const code = back.searchParams.get('code');
    const { status, body } = await broker.post('/login/exchange', { app: 'shop', code, state, binding });
    expect([status, body]).toMatchObject([200, { openid: expect.any(String) as string }]);
    return body;
  }

  it('snsapi_base: the openid alone, without asking the user', async () => {
    const { session, scope } = await logIn('snsapi_base');
    expect(scope).toEqual(['snsapi_base']);
    const { status, body } = await world.broker.post('/login/userinfo', { session });
    expect([status, body]).toMatchObject([403, { code: 'scope_missing' }]);
  });

  it('snsapi_userinfo: the profile, with the consent of the user', async () => {
    const { session, openid } = await logIn('snsapi_userinfo');
    const { status, body } = await world.broker.post('/login/userinfo', { session });
    expect([status, body]).toMatchObject([
      200,
      { profile: { openid, nickname: expect.any(String) as string } },
    ]);
  });

  it('the global token and an openid: what the account knows, in order, after the token was killed too', async () => {
    const { openid } = await logIn('snsapi_base');
    const asked = { app: 'shop', openids: [openid] };
    const first = await world.broker.post('/users/info', asked);
    expect([first.status, first.body]).toMatchObject([200, { users: [{ openid }], unknown: [] }]);
    world.simulator.killToken({ token: await world.broker.token('shop') });
    const again = await world.broker.post('/users/info', asked);
    expect([again.status, again.body]).toMatchObject([200, { users: [{ openid }] }]);
  });

  it('takes 1 to 500 openids', async () => {
    for (const openids of [[], Array.from({ length: 501 }, (_, index) => `o${String(index)}`), [''], [5]]) {
      const { status, body } = await world.broker.post('/users/info', { app: 'shop', openids });
      expect([status, body]).toMatchObject([400, { code: 'invalid_request' }]);
    }
  });
});
