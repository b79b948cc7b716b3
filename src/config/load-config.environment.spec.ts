import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  APP,
  OTHER_APP,
  faultsOf,
  file,
  inFolder,
  load,
  withApp,
  withRedis,
} from '../../test/support/config-file.js';
import { sha256Hex } from './api-key.js';
import { SCOPES } from './client.section.js';
import { isFirstRun, withDefaultFile } from './environment.js';
import { loadConfig } from './load-config.js';

const SECRET = 'fedcba98'.repeat(4);
const ENV_ONLY = {
  BROKER_APP_ID: 'wx0123456789abcdef',
  BROKER_APP_SECRET: SECRET,
  BROKER_API_KEY: `tbk_${'0123456789abcdef'.repeat(2)}`,
};

function secretFile(): string {
  const path = inFolder('app-secret');
  writeFileSync(path, `${SECRET}\n`);
  return path;
}

describe('the environment', () => {
  it('alone configures one app and one caller', () => {
    const { apps, clients } = loadConfig(ENV_ONLY);
    expect(apps[0]).toMatchObject({ name: 'default', appId: 'wx0123456789abcdef', grant: 'stable' });
    expect(apps[0]?.appSecret.value()).toBe(SECRET);
    expect(clients).toEqual([
      {
        name: 'default',
        keySha256: [sha256Hex(ENV_ONLY.BROKER_API_KEY)],
        apps: '*',
        // What goes through the gateway has to be listed, in a file.
        scopes: SCOPES.filter((scope) => !scope.startsWith('gateway')),
      },
    ]);
  });

  it('sets grant, base URL, port, host and log level', () => {
    const config = loadConfig({
      ...ENV_ONLY,
      BROKER_GRANT: 'classic',
      WECHAT_API_BASE_URL: 'http://127.0.0.1:9100',
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'debug',
    });
    expect(config.apps[0]).toMatchObject({ grant: 'classic', apiBaseUrl: 'http://127.0.0.1:9100' });
    expect(config.server).toMatchObject({ port: 0, host: '127.0.0.1', logLevel: 'debug' });
  });

  it('may name a file for the secret', () => {
    const { apps } = loadConfig({
      ...ENV_ONLY,
      BROKER_APP_SECRET: undefined,
      BROKER_APP_SECRET_FILE: secretFile(),
    });
    expect(apps[0]?.appSecret.value()).toBe(SECRET);
  });

  it('overrides server and redis.url of a file, and is the default of apiBaseUrl', () => {
    const tree = {
      ...withRedis({ url: 'redis://file', keyPrefix: 'x:' }),
      apps: [APP, { ...OTHER_APP, apiBaseUrl: 'http://own' }],
      server: { port: 1, docs: true },
    };
    const config = load(tree, { PORT: '2', REDIS_URL: 'redis://env', WECHAT_API_BASE_URL: 'http://env' });
    expect(config.server).toMatchObject({ port: 2, docs: true });
    expect(config.redis?.keyPrefix).toBe('x:');
    expect(config.redis?.server.kind === 'url' && config.redis.server.url.value()).toBe('redis://env');
    expect(config.apps.map(({ apiBaseUrl }) => apiBaseUrl)).toEqual(['http://env', 'http://own']);
  });

  it('counts a variable set to nothing as not set', () => {
    expect(() => loadConfig({ ...ENV_ONLY, PORT: '', BROKER_CONFIG: '', REDIS_URL: '' })).not.toThrow();
  });

  // prettier-ignore
  it.each<[string, () => NodeJS.ProcessEnv, string[]]>([
    ['nothing', () => ({}), ['apps: no app is configured', 'clients: no caller is configured']],
    ['PORT', () => ({ ...ENV_ONLY, PORT: '8o80' }), ['PORT: must be a whole number from 0 to 65535, got "8o80"']],
    ['BROKER_GRANT', () => ({ ...ENV_ONLY, BROKER_GRANT: 'x' }), ['BROKER_GRANT: must be one of stable, classic, got "x"']],
    ['BROKER_APP_ID', () => ({ ...ENV_ONLY, BROKER_APP_ID: '' }), ['BROKER_APP_ID: must be set: the AppID from the platform']],
    ['BROKER_APP_SECRET', () => ({ ...ENV_ONLY, BROKER_APP_SECRET: '' }), ['BROKER_APP_SECRET or BROKER_APP_SECRET_FILE: the environment variable BROKER_APP_SECRET is not set or empty']],
    ['both secrets', () => ({ ...ENV_ONLY, BROKER_APP_SECRET_FILE: secretFile() }), ['BROKER_APP_SECRET_FILE: BROKER_APP_SECRET is set as well; unset one of them']],
    ['secret file', () => ({ ...ENV_ONLY, BROKER_APP_SECRET: '', BROKER_APP_SECRET_FILE: '/no' }), ['BROKER_APP_SECRET_FILE: cannot read /no: ENOENT']],
    ['short key', () => ({ ...ENV_ONLY, BROKER_API_KEY: 'fifteen-chars-x' }), ['BROKER_API_KEY: must be at least 32 random characters; `access-token-broker keygen` makes one']],
    ['base URL', () => ({ ...ENV_ONLY, WECHAT_API_BASE_URL: 'x' }), ['WECHAT_API_BASE_URL: must be an http or https URL']],
    ['Redis', () => ({ ...ENV_ONLY, REDIS_URL: 'http://host' }), ['REDIS_URL: must be a URL like redis://', 'encryption: must be set with redis']],
  ])('is blamed under the name of the variable: %s', (_, env, expected) => {
    const starts = faultsOf(() => loadConfig(env())).map((line, index) => line.slice(0, expected[index]?.length));
    expect(starts).toEqual(expected);
  });

  it('does not name apps or callers beside a file', () => {
    const faults = faultsOf(() => load(file(), { ...ENV_ONLY, BROKER_GRANT: 'stable' }));
    expect(faults.map((line) => line.split(': ')[0])).toEqual([
      'BROKER_APP_ID',
      'BROKER_GRANT',
      'BROKER_API_KEY',
    ]);
  });

  it('may hold the secret that a file refers to as BROKER_APP_SECRET', () => {
    const config = load(withApp({ appSecret: { env: 'BROKER_APP_SECRET' } }), { BROKER_APP_SECRET: SECRET });
    expect(config.apps[0]?.appSecret.value()).toBe(SECRET);
  });
});

describe('a start for which nothing is configured', () => {
  it.each<[boolean, string, NodeJS.ProcessEnv]>([
    [true, 'no variable', {}],
    [true, 'a variable that is set to nothing', { BROKER_APP_ID: '' }],
    [true, 'what neither an app nor a caller is', { PORT: '8080', REDIS_URL: 'redis://redis' }],
    [false, 'production', { NODE_ENV: 'production' }],
    [false, 'a file', { BROKER_CONFIG: 'broker.yaml' }],
    [false, 'an app', { BROKER_APP_ID: ENV_ONLY.BROKER_APP_ID }],
    [false, 'a secret in a file', { BROKER_APP_SECRET_FILE: '/run/secrets/app' }],
    [false, 'a caller', { BROKER_API_KEY: ENV_ONLY.BROKER_API_KEY }],
  ])('is a first run: %s, with %s', (isFirst, _what, env) => {
    expect(isFirstRun(env)).toBe(isFirst);
  });

  it('takes broker.yaml of the working directory, if it is there', () => {
    const before = process.cwd();
    const folder = mkdtempSync(join(tmpdir(), 'no-file-'));
    process.chdir(folder);
    try {
      expect(withDefaultFile({})).toEqual({});
      writeFileSync('broker.yaml', '');
      expect(withDefaultFile({})).toEqual({ BROKER_CONFIG: 'broker.yaml' });
      expect(withDefaultFile(ENV_ONLY)).toEqual(ENV_ONLY);
    } finally {
      process.chdir(before);
      rmSync(folder, { recursive: true });
    }
  });
});
