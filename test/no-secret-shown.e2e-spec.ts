import fc from 'fast-check';
import { Agent, fetch } from 'undici';
import { newApiKey } from './support/broker-config.js';
import { damagedConfig, shownParts, SOUND_CONFIGS } from './support/damaged-config.js';
import { eventually } from './support/eventually.js';
import { NodeProcess } from './support/node-process.js';
import { objectFrom } from './support/object-from.js';
import { RedisServer } from './support/redis-server.js';
import { tempFile } from './support/temp-file.js';

const PLATFORM = 'https://api.weixin.qq.com';
/** Nothing listens there. */
const NOWHERE = 'http://127.0.0.1:9';
/** The configuration has HTTPS with a certificate of nobody. */
const ANY_CERTIFICATE = new Agent({ connect: { rejectUnauthorized: false } });
/** Without a key. */
const PUBLIC_PATHS = ['/apps', '/metrics', '/health/live', '/health/ready', '/docs/openapi.json'];

interface Run {
  /** On both streams, and in answers. */
  readonly shown: string;
  /** `null`: it listened until it was told to stop. */
  readonly exitCode: number | null;
}

/** Starts the server with this file, and lets it serve until something that it needs was not there. */
async function serve(text: string): Promise<Run> {
  return start({ BROKER_CONFIG: tempFile(text.replaceAll(PLATFORM, NOWHERE)) });
}

async function start(variables: Readonly<Record<string, string>>): Promise<Run> {
  const env = {
    PORT: '0',
    HOST: '127.0.0.1',
    LOG_LEVEL: 'trace',
    WECHAT_API_BASE_URL: NOWHERE,
    ...variables,
  };
  const broker = new NodeProcess('main.js', [], env);
  const url = await eventually('an end, or a server', () =>
    broker.isRunning ? urlIn(broker.stdout) : { ended: true as const },
  );
  if (typeof url !== 'string') return { shown: broker.output, exitCode: await broker.ended };
  const answers: string[] = [];
  for (const path of PUBLIC_PATHS) {
    // A damaged file may let in so few connections that this one is closed.
    const answer = fetch(url + path, { dispatcher: ANY_CERTIFICATE }).then((response) => response.text());
    answers.push(await answer.catch(() => ''));
  }
  await eventually('the store or the platform missed', () =>
    /"event":"(?:store|token)\./.test(broker.stdout),
  );
  broker.signal('SIGTERM');
  await broker.ended;
  return { shown: [broker.output, ...answers].join('\n'), exitCode: null };
}

function urlIn(output: string): string | undefined {
  const line = output.split('\n').find((one) => one.includes('"event":"server.listening"'));
  return line === undefined ? undefined : String(objectFrom(line).url);
}

describe('serve, on a configuration with a secret under every key that takes one', () => {
  it('shows no part of a secret, whatever is damaged in the file, whether it starts or not', async () => {
    await fc.assert(
      fc.asyncProperty(damagedConfig, async ({ text, secrets }) => {
        const { shown } = await serve(text);
        expect(shownParts(shown, secrets)).toEqual([]);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  }, 180_000);

  it('shows none while it serves without its platform, and with a Redis that refuses its password', async () => {
    const redis = await RedisServer.start();
    const address = `@127.0.0.1:${String(redis.port)}/`;
    for (const { text, secrets } of SOUND_CONFIGS) {
      const { shown, exitCode } = await serve(text.replaceAll('@host:6379/', address));
      expect(exitCode === null ? '' : shown).toBe('');
      expect(shownParts(shown, secrets)).toEqual([]);
    }
  }, 60_000);

  it('shows none of the environment either', async () => {
    const [appSecret, apiKey, password] = [
      '7d81f4e29c06b5a37d81f4e29c06b5a3',
      newApiKey(),
      'Wm4Rk8Bz2Ft6Qx0Vc3',
    ];
    const good = {
      BROKER_APP_ID: 'wx4f1e8a9b3c7d2560',
      BROKER_APP_SECRET: appSecret,
      BROKER_API_KEY: apiKey,
    };
    const redisUrl = `redis://user:${password}@127.0.0.1:9/0`;
    const runs = [
      good,
      { ...good, REDIS_URL: redisUrl },
      { ...good, BROKER_APP_ID: appSecret, BROKER_APP_SECRET: good.BROKER_APP_ID },
      { ...good, BROKER_APP_SECRET: apiKey, BROKER_API_KEY: appSecret },
      { ...good, HOST: redisUrl, LOG_LEVEL: appSecret },
      { ...good, BROKER_APP_SECRET_FILE: appSecret, BROKER_CONFIG: apiKey },
    ];
    const shown = await Promise.all(runs.map(async (env) => (await start(env)).shown));
    expect(shownParts(shown.join('\n'), [appSecret, apiKey, password])).toEqual([]);
  });
});
