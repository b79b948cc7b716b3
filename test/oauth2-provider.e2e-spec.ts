import { DEFAULT_CLIENT } from '@access-token-broker/simulator';
import { writeFileSync } from 'node:fs';
import { brokerConfig, newApiKey } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { findLeaks } from './support/find-leaks.js';
import type { HttpAnswer } from './support/http-client.js';
import { NodeProcess } from './support/node-process.js';
import { poll } from './support/poll.js';
import {
  startOauth2Server,
  type Oauth2Options,
  type Oauth2Simulator,
} from './support/start-oauth2-server.js';
import { tempFile } from './support/temp-file.js';

const { clientId, clientSecret } = DEFAULT_CLIENT;
const KEY = newApiKey();
const LIFE_SECONDS = 3;

const brokers = new Set<BrokerProcess>();

afterAll(async () => {
  await Promise.all([...brokers].map((broker) => broker.kill()));
});

/** An app of that server. */
function appFor({ tokenUrl }: Oauth2Simulator, name: string, keys: object): object {
  const { refresh, ...more } = keys as { refresh?: object };
  return {
    name,
    provider: 'oauth2',
    tokenUrl,
    clientId,
    clientSecret,
    refresh: { jitterSeconds: 0, ...refresh },
    ...more,
  };
}

function configOf(...apps: object[]): object {
  return { ...brokerConfig({ apps: [], keys: { orders: KEY }, server: { docs: true } }), apps };
}

function configFor(simulator: Oauth2Simulator, keys: object = {}): object {
  return configOf(appFor(simulator, 'billing', keys));
}

async function startFor(simulator: Oauth2Simulator, keys?: object): Promise<BrokerProcess> {
  const broker = await startBroker({ config: configFor(simulator, keys), key: KEY });
  brokers.add(broker);
  return broker;
}

async function statusOf(broker: BrokerProcess): Promise<unknown> {
  const apps: unknown = JSON.parse((await broker.get('/apps')).text);
  return (apps as unknown[])[0];
}

async function command(name: string, config: object, ...args: string[]) {
  const process = new NodeProcess('cli.js', [name, ...args], {
    BROKER_CONFIG: tempFile(JSON.stringify(config)),
  });
  const code = await process.ended;
  expect(findLeaks(process.output, { clientSecret })).toEqual([]);
  return { code, text: process.output };
}

/** The server, what the app says of it, and fetches in a rotation. */
const ISSUANCES: Readonly<
  Record<string, readonly [server: Oauth2Options, app: object, fetchesEach: number]>
> = {
  independent: [{}, { refresh: { aheadSeconds: 1.2 } }, 1],
  replaces: [
    { issuance: 'replaces', overlapSeconds: 1 },
    { issuance: 'replaces', overlapSeconds: 1, refresh: { aheadSeconds: 1.2 } },
    1,
  ],
  repeats: [
    { issuance: 'repeats', freshWithinSeconds: 1.5 },
    { issuance: 'repeats', freshWithinSeconds: 1.5, refresh: { aheadSeconds: 0.9 } },
    1,
  ],
  'repeats-to-the-end': [
    { issuance: 'repeats' },
    { issuance: 'repeats', refresh: { aheadSeconds: 0.3 } },
    15,
  ],
  renews: [{ issuance: 'renews' }, { issuance: 'renews', refresh: { aheadSeconds: 1.2 } }, 1],
};

describe('polled for three lifetimes, a server', () => {
  const simulators = new Map<string, Oauth2Simulator>();
  const polled = new Map<string, readonly HttpAnswer[]>();
  const of = (issuance: string) => {
    const [simulator, answers] = [simulators.get(issuance), polled.get(issuance)];
    if (!simulator || !answers) throw new Error(`${issuance} was not polled`);
    return { simulator, answers };
  };

  /** One broker for all of them, at the same time. */
  beforeAll(async () => {
    const apps: object[] = [];
    for (const [issuance, [server, app]] of Object.entries(ISSUANCES)) {
      const simulator = await startOauth2Server({ expiresInSeconds: LIFE_SECONDS, ...server });
      simulators.set(issuance, simulator);
      apps.push(appFor(simulator, issuance, app));
    }
    const broker = await startBroker({ config: configOf(...apps), key: KEY });
    brokers.add(broker);
    await broker.ready();
    const forMs = 3 * LIFE_SECONDS * 1000;
    await Promise.all(
      Object.keys(ISSUANCES).map(async (issuance) => {
        const ask = () => broker.get(`/token?app=${issuance}`);
        polled.set(issuance, await poll(ask, { forMs, pauseMs: 50 }));
      }),
    );
    await broker.stop();
  }, 60_000);

  it.each(Object.keys(ISSUANCES))(
    'whose issuance is: %s, never keeps a caller without a token, nor gives one that the server would refuse',
    (issuance) => {
      const { simulator, answers } = of(issuance);
      expect(answers.length).toBeGreaterThan(50);
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      const isAlive = ({ body, startedAtMs, endedAtMs }: HttpAnswer) =>
        [startedAtMs, endedAtMs].some((atMs) => simulator.verdict(String(body.access_token), atMs).valid);
      expect(answers.filter((answer) => !isAlive(answer))).toEqual([]);
    },
  );

  it.each(Object.entries(ISSUANCES))(
    'whose issuance is: %s, is asked no more often than that needs',
    (issuance, [, , fetchesEach]) => {
      const { fetches } = of(issuance).simulator.calls();
      const rotations = Math.ceil((3 * LIFE_SECONDS) / (LIFE_SECONDS - 1.2)) + 1;
      expect(fetches).toBeGreaterThanOrEqual(3);
      expect(fetches).toBeLessThanOrEqual(rotations * fetchesEach);
    },
  );
});

describe('a report of a dead token', () => {
  let simulator: Oauth2Simulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    simulator = await startOauth2Server();
    broker = await startFor(simulator);
    await broker.ready();
  }, 30_000);

  it('costs one fetch, and none when it comes again', async () => {
    const dead = await broker.token();
    simulator.killTokens();
    const before = simulator.calls().fetches;
    const report = { app: 'billing', access_token: dead, errcode: 'invalid_token' };
    const { status, body } = await broker.post('/token/refresh', report);
    expect([status, body.refreshed, body.reason]).toEqual([200, true, 'rotated']);
    expect(simulator.verdict(String(body.access_token)).valid).toBe(true);
    const again = await broker.post('/token/refresh', report);
    expect(again.body).toMatchObject({ refreshed: false, reason: 'already_rotated' });
    expect(simulator.calls().fetches).toBe(before + 1);
  });

  it('is refused where a new token is no cure', async () => {
    const answer = await broker.post('/token/refresh', { app: 'billing', errcode: 'insufficient_scope' });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: 'not_a_token_error', errcode: 'insufficient_scope' },
    });
  });
});

describe('what a server refuses', () => {
  it('is shown with its word and a remedy, and a corrected secret is used at once', async () => {
    const simulator = await startOauth2Server();
    const file = tempFile(clientSecret);
    const broker = await startFor(simulator, { clientSecret: { file } });
    await broker.ready();
    const next = 'q+5: %U/r&x=8ö!y6As3';
    simulator.resetSecret(next);
    const forced = await broker.post('/token/refresh', { app: 'billing', force: true });
    expect(forced).toMatchObject({
      status: 503,
      body: { code: 'upstream_rejected', errcode: 'invalid_client' },
    });
    const app = await statusOf(broker);
    expect(app).toMatchObject({ state: 'degraded', last_error: { errcode: 'invalid_client' } });
    expect(JSON.stringify(app)).toContain('clientAuthentication');
    writeFileSync(file, next);
    await eventually('the new secret', () => simulator.calls().minted === 2, 20_000);
    expect(simulator.verdict(await broker.token()).valid).toBe(true);
    expect(findLeaks(broker.output(), { clientSecret, next })).toEqual([]);
  }, 60_000);

  it('waits as long as the server says', async () => {
    const simulator = await startOauth2Server();
    const headers = { 'Retry-After': '3' };
    simulator.addFault({ body: 'slower', httpStatus: 429, headers });
    const broker = await startFor(simulator);
    const answer = await broker.get('/token');
    expect(answer).toMatchObject({ status: 503, body: { errcode: 429 } });
    await broker.ready();
    await broker.token();
    const [first, second] = simulator.calls().log.map(({ at }) => at);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(3000);
    expect(simulator.calls().log).toHaveLength(2);
  }, 40_000);
});

describe('an app of an OAuth 2 server', () => {
  let simulator: Oauth2Simulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    simulator = await startOauth2Server({ tokenType: 'DPoP', lifeAs: 'missing' });
    broker = await startFor(simulator, { scope: 'read', parameters: { audience: 'x' } });
    await broker.ready();
  }, 30_000);

  it('is in GET /apps, in the metrics and in the log', async () => {
    expect(await statusOf(broker)).toMatchObject({
      app: 'billing',
      provider: 'oauth2',
      grant: expect.stringMatching(/^client_credentials-[0-9a-f]{8}$/),
      app_id: clientId,
      state: 'ok',
      last_error: null,
      fetches_today: 1,
      fetch_budget: 5000,
    });
    expect(await broker.metrics()).toMatch(
      /^tokenbroker_token_expiration_timestamp_seconds\{app="billing"\} \d/m,
    );
    expect(broker.output()).toContain('The answer has no expires_in');
  });

  it('has tokens of its scope and parameters, whose type other than Bearer is named', async () => {
    const { body } = await broker.get('/token?app=billing');
    expect(body).toMatchObject({ token_type: 'DPoP' });
    expect(body.expires_in).toBeLessThanOrEqual(3600);
    expect(simulator.tokens()).toMatchObject([{ details: { scope: 'read', audience: 'x' } }]);
  });

  it('is found good by check and diagnose, which fetch no token', async () => {
    const config = configFor(simulator);
    const before = simulator.calls().minted;
    expect(await command('check', config)).toMatchObject({ code: 0 });
    const { code, text } = await command('diagnose', config);
    expect(code).toBe(0);
    expect(text).toContain('answer: errcode invalid_client');
    expect(simulator.calls().minted).toBe(before);
    expect((await command('diagnose', config, 'billing', '--fetch')).text).toContain('a token for 3600 s');
  });
});

it('a clientId that may be a secret in the wrong place is shown by nothing', async () => {
  const simulator = await startOauth2Server();
  const misplaced = 'Zk3vQ9-xT7mBw2LpR8sYd4Jf6NhC1gUa';
  const broker = await startFor(simulator, { clientId: misplaced });
  await eventually('refused', async () => JSON.stringify(await statusOf(broker)).includes('invalid_client'));
  expect(await statusOf(broker)).toMatchObject({ app_id: 'an id not shown, it may be a secret' });
  const answers = await Promise.all(['/apps', '/token?app=billing'].map((path) => broker.get(path)));
  const shown = [broker.output(), await broker.metrics(), ...answers.map(({ text }) => text)].join('\n');
  expect(findLeaks(shown, { misplaced })).toEqual([]);
});

it('a server that renews tokens may be asked as early as one likes', async () => {
  const simulator = await startOauth2Server();
  const keys = { issuance: 'renews', refresh: { aheadSeconds: 3000 } };
  expect(await command('check', configFor(simulator, keys))).toMatchObject({ code: 0 });
});

it.each([
  [{ tokenUrl: 'ftp://x' }, 'apps[0].tokenUrl: must be the http or https URL of the token endpoint'],
  [{ clientAuthentication: 'basic' }, 'apps[0].clientAuthentication: must be one of'],
  [{ parameters: { scope: 'read' } }, 'apps[0].parameters.scope: has a key of its own'],
  [{ issuance: 'sometimes' }, 'apps[0].issuance: must be one of'],
  [
    { issuance: 'repeats', refresh: { aheadSeconds: 60 } },
    'apps[0].refresh.aheadSeconds: must be at most 10: the platform gives the same token until its end',
  ],
  [{ appSecret: 'x' }, 'apps[0].appSecret: is not a known key'],
])('%j is a fault with a sentence', async (keys, fault) => {
  const simulator = await startOauth2Server();
  const { code, text } = await command('check', { ...configFor(simulator, keys) });
  expect(code).toBe(1);
  expect(text).toContain(fault);
});
