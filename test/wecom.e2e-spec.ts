import { DEFAULT_AGENT, WecomSimulator, type WecomOptions } from '@access-token-broker/simulator';
import { newApiKey } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import type { HttpAnswer } from './support/http-client.js';
import { poll } from './support/poll.js';
import { createHash } from 'node:crypto';

const LIFE_SECONDS = 4;
const OTHER = {
  ...DEFAULT_AGENT,
  agentId: '1000003',
  corpSecret: 'kD2mV8nQ4tXc7bRf0wLz9sYh3gJp6uEa1oNi5TyBxM',
};

const started: { simulator: WecomSimulator; broker: BrokerProcess }[] = [];
afterAll(async () => {
  await Promise.all(started.map(({ broker }) => broker.stop()));
  await Promise.all(started.map(({ simulator }) => simulator.stop()));
});

async function start(platform: WecomOptions): Promise<{ simulator: WecomSimulator; broker: BrokerProcess }> {
  const simulator = new WecomSimulator({ apps: [DEFAULT_AGENT, OTHER], ...platform });
  const { url: apiBaseUrl } = await simulator.start();
  const key = newApiKey();
  const app = (name: string, { corpId, corpSecret, agentId }: typeof DEFAULT_AGENT) => ({
    name,
    provider: 'wecom',
    corpId,
    corpSecret,
    agentId: Number(agentId),
    apiBaseUrl,
    refresh: { aheadSeconds: 0.4, jitterSeconds: 0 },
  });
  const config = {
    server: { port: 0, host: '127.0.0.1', docs: true },
    apps: [app('hr', DEFAULT_AGENT), app('sales', OTHER)],
    clients: [
      {
        name: 'orders',
        keySha256: [createHash('sha256').update(key).digest('hex')],
        apps: '*',
        scopes: ['token:read', 'token:refresh', 'token:admin', 'ticket:read'],
      },
    ],
  };
  const world = { simulator, broker: await startBroker({ config, key }) };
  started.push(world);
  return world;
}

const KINDS: Readonly<Record<string, WecomOptions>> = {
  'that says what is left': { repeatedLife: 'rest' },
  'that says a full life each time': { repeatedLife: 'full' },
  'that is busy after the end of each token': { holeSeconds: 0.6, inHole: 'busy' },
  'that returns the ended token for a while': { holeSeconds: 0.6, inHole: 'same_token' },
  'that answers late after the end': { holeSeconds: 0.6, inHole: 'late' },
};

describe('polled for three lifetimes, WeCom', () => {
  const answers: Record<string, HttpAnswer[]> = {};
  const simulators: Record<string, WecomSimulator> = {};

  beforeAll(async () => {
    await Promise.all(
      Object.entries(KINDS).map(async ([kind, options]) => {
        const { simulator, broker } = await start({ expiresInSeconds: LIFE_SECONDS, ...options });
        simulators[kind] = simulator;
        const forMs = 5 * LIFE_SECONDS * 1000;
        answers[kind] = await poll(() => broker.get('/token?app=hr'), { forMs, pauseMs: 50 });
      }),
    );
  }, 120_000);

  it.each(Object.keys(KINDS))('%s, gives a living token to every read', (kind) => {
    const all = answers[kind] ?? [];
    expect(all.length).toBeGreaterThan(30);
    expect(all.filter(({ status }) => status !== 200)).toEqual([]);
    const isAlive = ({ body, startedAtMs, endedAtMs }: HttpAnswer) =>
      [startedAtMs, endedAtMs].some(
        (atMs) => simulators[kind]?.verdict(String(body.access_token), atMs).valid === true,
      );
    expect(all.filter((answer) => !isAlive(answer))).toEqual([]);
  });

  it.each(Object.keys(KINDS))('%s, is asked a few times in each rotation', (kind) => {
    const appId = `${DEFAULT_AGENT.corpId}/${DEFAULT_AGENT.agentId}`;
    const { fetches, minted } = simulators[kind]?.calls(appId) ?? { fetches: 0, minted: 0 };
    console.info(`WeCom ${kind}: ${String(fetches)} fetches for ${String(minted)} tokens`);
    expect(minted).toBeGreaterThanOrEqual(3);
    expect(fetches / minted).toBeLessThanOrEqual(15);
  });
});

describe('a token of WeCom that dies early', () => {
  it('is replaced when it is reported, in each app by itself', async () => {
    const { simulator, broker } = await start({});
    const [hr, sales] = await Promise.all(['hr', 'sales'].map((app) => broker.get(`/token?app=${app}`)));
    expect(hr?.body.access_token).not.toBe(sales?.body.access_token);
    simulator.killToken();
    const report = { app: 'hr', access_token: hr?.body.access_token, errcode: 42001 };
    const answer = await broker.post('/token/refresh', report);
    expect(answer).toMatchObject({ status: 200, body: { refreshed: true, reason: 'rotated' } });
    expect(simulator.verdict(String(answer.body.access_token)).valid).toBe(true);
    expect((await broker.get('/token?app=sales')).body.access_token).toBe(sales?.body.access_token);
    expect(Object.values((await broker.get('/apps')).body)).toMatchObject([
      { app: 'hr', provider: 'wecom', app_id: DEFAULT_AGENT.corpId, grant: 'agent-1000002', state: 'ok' },
      { app: 'sales', provider: 'wecom', grant: 'agent-1000003', state: 'ok' },
    ]);
  });

  it('and is returned again is said to be dead, without a loop', async () => {
    const { simulator, broker } = await start({ afterEarlyDeath: 'same' });
    const { body } = await broker.get('/token?app=hr');
    simulator.killToken();
    const before = simulator.calls().fetches;
    const reports = Array.from({ length: 10 }, () =>
      broker.post('/token/refresh', { app: 'hr', access_token: body.access_token, errcode: 40014 }),
    );
    for (const answer of await Promise.all(reports)) {
      expect(answer).toMatchObject({ status: 503, body: { code: 'upstream_rejected' } });
      expect(Number(answer.body.retry_after)).toBeGreaterThan(1);
    }
    expect(simulator.calls().fetches - before).toBeLessThanOrEqual(2);
    expect(Object.values((await broker.get('/apps')).body)).toMatchObject([
      { app: 'hr', state: 'suspect' },
      { state: 'ok' },
    ]);
  });
});

it('tickets of the corp and of the app, and signatures with both', async () => {
  const { broker } = await start({});
  const [corp, app] = await Promise.all(
    ['jsapi', 'agent_config'].map((type) => broker.get(`/ticket?app=hr&type=${type}`)),
  );
  expect([corp?.status, app?.status]).toEqual([200, 200]);
  expect(corp?.body.ticket).not.toBe(app?.body.ticket);
  const sign = (type?: string) =>
    broker.post('/ticket/signature', { app: 'hr', url: 'https://hr.example/', type });
  const [first, second] = [await sign(), await sign('agent_config')];
  expect(first).toMatchObject({ status: 200, body: { app_id: DEFAULT_AGENT.corpId } });
  expect(second.body.signature).not.toBe(first.body.signature);
});
