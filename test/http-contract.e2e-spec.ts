import request, { type Test } from 'supertest';
import { newApiKey, newApp } from './support/broker-config.js';
import { startWorld, type World } from './support/start-world.js';

const ORDERS = newApiKey();
const BILLING = newApiKey();

describe('the HTTP contract, word for word', () => {
  let world: World;
  let shop: ReturnType<typeof request>;

  beforeAll(async () => {
    const app = newApp();
    world = await startWorld({
      apps: [{ name: 'shop', ...app, grant: 'stable', refresh: { forcedDailyBudget: 1 } }],
      keys: { orders: ORDERS, billing: BILLING },
    });
    await world.broker.ready();
    shop = request(world.broker.url);
  });

  const as = (call: Test, key = ORDERS): Test => call.set('authorization', `Bearer ${key}`);
  const report = (body?: object, key?: string): Test => as(shop.post('/token/refresh'), key).send(body);

  it('GET /token', async () => {
    const { body } = await as(shop.get('/token?app=shop'))
      .expect(200)
      .expect('content-type', 'application/json; charset=utf-8')
      .expect('cache-control', 'no-store');
    expect(Object.keys(body as object)).toEqual([
      'app',
      'access_token',
      'expires_in',
      'expires_at',
      'generation',
      'cache_max_age',
    ]);
    expect(body).toMatchObject({ app: 'shop', cache_max_age: 60 });
    expect(body.expires_in).toBeGreaterThan(7000);
    expect(new Date(String(body.expires_at)).toISOString()).toBe(body.expires_at);
    expect(Number.isSafeInteger(body.generation)).toBe(true);
    expect(world.simulator.verdict(String(body.access_token))).toMatchObject({ valid: true, newest: true });
  });

  it.each([
    [401, 'unauthorized', '/token', ''],
    [401, 'unauthorized', '/token', newApiKey()],
    [401, 'unauthorized', '/apps', ''],
    [404, 'unknown_app', '/token?app=other', ORDERS],
    [400, 'invalid_request', '/token?min_generation=new', ORDERS],
    [404, 'not_found', '/tokens', ORDERS],
  ])('%d %s for %s', async (status, code, path, key) => {
    const answer = await as(shop.get(path), key)
      .expect(status)
      .expect('content-type', /^application\/problem\+json/);
    expect(answer.body).toMatchObject({ type: 'about:blank', status, code });
    expect(typeof answer.body.title).toBe('string');
    expect(typeof answer.body.detail).toBe('string');
    if (status === 401) expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('503 behind, for a generation that nobody has', async () => {
    const answer = await as(shop.get('/token?min_generation=9007199254740991')).expect(503);
    expect(answer.body).toMatchObject({ code: 'behind', retry_after: 1 });
    expect(answer.headers['retry-after']).toBe('1');
  });

  it('422 for an errcode that no token cures', async () => {
    const answer = await report({ app: 'shop', errcode: 48001 }).expect(422);
    expect(answer.body).toMatchObject({ code: 'not_a_token_error', errcode: 48001 });
  });

  it('POST /token/refresh from still_valid to the end of the budget', async () => {
    const fetches = (): number => world.simulator.calls().fetches;
    const before = fetches();
    const { body: first } = await as(shop.get('/token')).expect(200);
    const alive = await report({ access_token: first.access_token, errcode: 40001 }).expect(200);
    expect(alive.body).toMatchObject({
      refreshed: false,
      reason: 'still_valid',
      access_token: first.access_token,
    });
    expect(fetches()).toBe(before);

    world.simulator.killToken({ family: 'stable' });
    const healed = await report({ generation: first.generation, errcode: 42001 }, BILLING).expect(200);
    expect(healed.body).toMatchObject({ refreshed: true, reason: 'rotated' });
    expect(healed.body.generation).toBeGreaterThan(Number(first.generation));
    expect(fetches()).toBe(before + 1);

    const late = await report({ access_token: first.access_token }).expect(200);
    expect(late.body).toMatchObject({ refreshed: false, reason: 'already_rotated' });
    const unnamed = await report().expect(200);
    expect(unnamed.body).toMatchObject({ refreshed: false, reason: 'recently_rotated' });
    expect(fetches()).toBe(before + 1);

    const forced = await report({ force: true }).expect(200);
    expect(forced.body).toMatchObject({ refreshed: true, reason: 'rotated' });
    const spent = await report({ force: true }).expect(429);
    expect(spent.body).toMatchObject({
      code: 'refresh_budget_exhausted',
      access_token: forced.body.access_token,
      retry_after: Number(spent.headers['retry-after']),
    });
    expect(fetches()).toBe(before + 2);
  });

  it('GET /apps shows the state and no token', async () => {
    const { body, text } = await as(shop.get('/apps')).expect(200);
    expect(body).toMatchObject([
      { app: 'shop', provider: 'wechat', grant: 'stable', state: 'ok', last_error: null, fetch_budget: 200 },
    ]);
    expect(Object.keys((body as object[])[0] ?? {})).toEqual([
      'app',
      'provider',
      'type',
      'grant',
      'app_id',
      'state',
      'generation',
      'issued_at',
      'expires_at',
      'next_refresh_at',
      'last_error',
      'fetches_today',
      'fetch_budget',
    ]);
    for (const { token } of world.simulator.tokens()) expect(text).not.toContain(token);
  });

  it('GET /health/* and /metrics need no key', async () => {
    await shop.get('/health/live').expect(200);
    const ready = await shop.get('/health/ready').expect(200);
    expect(ready.body).toMatchObject({ apps: [{ app: 'shop', state: 'ok' }] });
    const metrics = await shop.get('/metrics').expect(200);
    expect(metrics.text).toMatch(
      /tokenbroker_http_requests_total\{route="\/token",method="GET",code="200"\} \d+/,
    );
  });

  it('GET /docs is not there unless it is switched on', async () => {
    await shop.get('/docs').expect(404);
    await shop.get('/docs/openapi.json').expect(404);
  });
});
