import { randomBytes } from 'node:crypto';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess, type LogLine } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { RedisServer, type RedisServerOptions } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';

const USER = { name: 'broker', password: randomBytes(12).toString('hex') };
const APP = { name: 'shop', grant: 'classic', ...newApp() } as const;
const ALL_RIGHTS = `${USER.name} on >${USER.password} ~* &* +@all`;

async function start(
  { users = [ALL_RIGHTS], ...options }: RedisServerOptions,
  env: Readonly<Record<string, string>> = {},
): Promise<BrokerProcess> {
  const simulator = await startPlatform({ apps: [APP] });
  const redis = await RedisServer.start({ ...options, users });
  const key = newApiKey();
  const config = brokerConfig({
    apps: [{ ...APP, apiBaseUrl: simulator.url, refresh: { reconcileSeconds: 1 } }],
    keys: { orders: key },
    sections: {
      redis: { url: redis.url(USER) },
      encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
    },
  });
  return startBroker({ config, key, env });
}

function line(broker: BrokerProcess, event: string): Promise<LogLine> {
  return eventually(event, () => broker.logs().find((one) => one.event === event));
}

describe('a broker process and its Redis', () => {
  it('prints no password, AppSecret or token with DEBUG=*', async () => {
    const broker = await start({}, { DEBUG: '*' });
    await broker.ready();
    const token = await broker.token();
    await broker.stop();
    for (const secret of [USER.password, APP.appSecret, token]) expect(broker.output()).not.toContain(secret);
  });

  it('verifies the certificate of rediss:// whatever NODE_TLS_REJECT_UNAUTHORIZED says', async () => {
    const broker = await start({ tls: true }, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(await line(broker, 'store.unavailable')).toMatchObject({
      message: expect.stringMatching(/certificate/) as string,
      remedy: expect.stringContaining('redis.tls.ca') as string,
    });
  });

  it('needs neither HELLO nor INFO', async () => {
    const broker = await start({ users: [`${ALL_RIGHTS} -hello -info`] });
    await broker.ready();
    const { text } = await broker.get('/apps');
    expect(JSON.parse(text)).toMatchObject([{ state: 'ok', last_error: null }]);
    await line(broker, 'feed.available');
    expect(broker.output()).not.toContain('store.');
  });

  it.each([
    [
      'EVAL is renamed',
      {
        directives: [
          ['rename-command', 'EVALSHA', ''],
          ['rename-command', 'EVAL', ''],
        ],
      },
      /unknown command/,
    ],
    ['the user may not publish', { users: [`${ALL_RIGHTS} -publish`] }, /'publish'/],
    ['the user may not use TIME in a script', { users: [`${ALL_RIGHTS} -time`] }, /time/],
  ] as const)('says at the start what is refused when %s', async (_what, options, named) => {
    const broker = await start(options);
    expect(await line(broker, 'store.check_failed')).toMatchObject({
      message: expect.stringMatching(named) as string,
      remedy: expect.stringContaining('docs/redis.md') as string,
    });
  });
});
