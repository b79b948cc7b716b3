import { jest } from '@jest/globals';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { pino } from 'pino';
import { brokerConfig, newApiKey, newApp } from '../test/support/broker-config.js';
import { ENCRYPTION_KEY, load } from '../test/support/config-file.js';
import { eventually } from '../test/support/eventually.js';
import { ManualClock } from '../test/support/manual-clock.js';
import { startPlatform } from '../test/support/start-platform.js';
import { createFastifyAdapter } from './api/common/create-fastify-adapter.js';
import { AppModule } from './app.module.js';
import { Backend } from './composition/backend.js';
import { LoginService } from './core/login/login-service.js';
import { Clock } from './core/ports/clock.js';
import { Redactor } from './core/redaction/redactor.js';
import {
  MemoryAppClaim,
  MemoryHistory,
  MemoryReplicaRegistry,
  MemoryLoginStore,
  MemoryRefreshLease,
  MemoryRotationFeed,
  MemorySharedProbes,
  MemoryTokenStore,
} from './storage/memory/index.js';

const app = { name: 'shop', ...newApp() };
const key = newApiKey();

describe('the broker, put together by the container', () => {
  let platform: WechatSimulator;
  let clock: ManualClock;
  const served: NestFastifyApplication[] = [];

  beforeAll(async () => {
    platform = await startPlatform({ apps: [app] });
  });
  beforeEach(() => {
    clock = new ManualClock();
  });
  afterEach(async () => {
    // Its way down waits by the clock.
    for (const one of served.splice(0)) await Promise.all([one.close(), clock.advance(60_000)]);
  });

  /** Serves with the clock that stands still, and with what else is overridden. */
  async function serve(
    sections: object,
    override: (builder: TestingModuleBuilder) => TestingModuleBuilder,
  ): Promise<NestFastifyApplication> {
    const apps = [{ ...app, apiBaseUrl: platform.url }];
    const silent = { audit: { reads: 'none' } };
    const config = load({ ...brokerConfig({ apps, keys: { orders: key } }), ...silent, ...sections });
    const runtime = {
      config,
      source: {
        path: null,
        load: () => config,
        look: () => ({ signature: '', isChanged: false, isComplete: true }),
      },
      logger: pino({ enabled: false }),
      redactor: new Redactor(),
      replica: 'replica-1',
    };
    const builder = Test.createTestingModule({ imports: [AppModule.forRoot(runtime)] });
    const module = await override(builder.overrideProvider(Clock).useValue(clock)).compile();
    const adapter = createFastifyAdapter({ trustProxy: false, replica: 'replica-1' });
    const nest = module.createNestApplication<NestFastifyApplication>(adapter, { bodyParser: false });
    served.push(nest);
    return nest.init();
  }

  async function token(nest: NestFastifyApplication): Promise<{ access_token: string; expires_in: number }> {
    const ask = () => nest.inject({ url: '/token', headers: { authorization: `Bearer ${key}` } });
    const answer = await eventually('a token', async () => {
      const { statusCode, payload } = await ask();
      return statusCode === 200 ? payload : undefined;
    });
    return JSON.parse(answer) as { access_token: string; expires_in: number };
  }

  it('counts the life of a token on another Clock', async () => {
    const nest = await serve({}, (builder) => builder);
    const before = await token(nest);
    await clock.advance(100_000);
    expect(await token(nest)).toMatchObject({
      access_token: before.access_token,
      expires_in: before.expires_in - 100,
    });
  });

  it('keeps its tokens in another Backend, and waits for it and closes it', async () => {
    const lease = new MemoryRefreshLease(clock);
    const store = new MemoryTokenStore(clock, lease);
    const calls: string[] = [];
    const backend: Backend = {
      ports: {
        lease,
        store,
        feed: new MemoryRotationFeed(),
        claim: new MemoryAppClaim(clock),
        probes: new MemorySharedProbes(clock),
      },
      history: new MemoryHistory(clock),
      replicas: new MemoryReplicaRegistry(clock),
      logins: { store: new MemoryLoginStore(clock), ownStore: new MemoryLoginStore(clock) },
      ready: () => Promise.resolve(void calls.push('ready')),
      close: () => void calls.push('close'),
    };
    const redis = { url: 'redis://127.0.0.1:1' };
    const encryption = { keys: [{ id: 'k1', key: ENCRYPTION_KEY }] };
    const nest = await serve({ redis, encryption }, (builder) =>
      builder.overrideProvider(Backend).useValue(backend),
    );
    const { access_token } = await token(nest);
    const { name, appId } = app;
    const stored = await store.read({ name, provider: 'wechat', appId, grant: 'classic' });
    expect(stored).toMatchObject({ record: { value: access_token } });
    expect(calls).toEqual(['ready']);
    await Promise.all([served.pop()?.close(), clock.advance(60_000)]);
    expect(calls).toEqual(['ready', 'close']);
  });

  it('stores the sessions that wait for Redis before it closes the way there', async () => {
    const nest = await serve({}, (builder) => builder);
    const calls: string[] = [];
    jest.spyOn(nest.get(LoginService), 'flush').mockImplementation(async (limitMs) => {
      calls.push(`flush in ${String(limitMs)} ms`);
    });
    jest.spyOn(nest.get(Backend), 'close').mockImplementation(() => void calls.push('close'));
    await Promise.all([served.pop()?.close(), clock.advance(60_000)]);
    expect(calls).toEqual(['flush in 3000 ms', 'close']);
  });
});
