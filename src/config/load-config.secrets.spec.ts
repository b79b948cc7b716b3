import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import {
  APP,
  CLIENT,
  ENCRYPTION_KEY,
  OTHER_APP,
  faultsOf,
  file,
  inFolder,
  load,
  withApp,
  withClient,
  withRedis,
} from '../../test/support/config-file.js';
import { SELF_SIGNED } from '../../test/support/test-certificates.js';
import { loadConfig } from './load-config.js';

const SECRET = APP.appSecret;
const MUST_BE = "must be the AppSecret from the platform's console, 32 hex digits";

function fileOf(content: string | Buffer): string {
  const path = inFolder('the-secret');
  writeFileSync(path, content);
  return path;
}

const fromFile = (content: string | Buffer) => load(withApp({ appSecret: { file: fileOf(content) } }));
const fromVariable = (SHOP: string) => load(withApp({ appSecret: { env: 'SHOP' } }), { SHOP });

describe('white space and marks around a secret', () => {
  it.each([
    ['a space before and after', ` ${SECRET} `, 'a space before it, a space after it'],
    ['a carriage return', `${SECRET}\r\n`, 'a carriage return and a newline after it'],
    ['a byte order mark', `\ufeff${SECRET}`, 'a byte order mark before it'],
    ['a no-break space', `${SECRET}\u00a0`, 'a no-break space after it'],
    ['two newlines', `${SECRET}\n\n`, 'a newline after it'],
  ])('are dropped with a warning that names the field: %s', (_, text, dropped) => {
    for (const { apps, warnings } of [
      fromFile(text),
      fromVariable(text),
      load(withApp({ appSecret: text })),
    ]) {
      expect(apps[0]?.appSecret.value()).toBe(SECRET);
      expect(warnings).toEqual([
        { path: 'apps[0].appSecret', text: `ignored ${dropped}; take that out where the secret is kept` },
      ]);
    }
  });

  it('are no news where an editor ends the file, or a certificate its last line', () => {
    expect(fromFile(`${SECRET}\n`).warnings).toEqual([]);
    const ca = SELF_SIGNED.cert.replace(/\n$/, '\r\n');
    expect(load(withRedis({ url: 'rediss://host', tls: { ca } })).warnings).toEqual([]);
  });

  it('are dropped from encryption keys and Redis passwords too', () => {
    const config = load({
      ...withRedis({ url: 'redis://host', password: ' p4ss ' }),
      encryption: { keys: [{ id: 'k', key: `${ENCRYPTION_KEY}\r\n` }] },
    });
    expect(config.encryption?.keys[0]?.key.value()).toBe(ENCRYPTION_KEY);
    expect(config.warnings.map(({ path }) => path)).toEqual([
      'redis.password',
      'encryption.keys[0].key',
      'redis.url',
    ]);
  });

  it('are dropped from BROKER_API_KEY, under its name', () => {
    const key = `tbk_${'0123456789abcdef'.repeat(2)}`;
    const env = { BROKER_APP_ID: APP.appId, BROKER_APP_SECRET: `${SECRET}\n`, BROKER_API_KEY: `${key}\r\n` };
    const { clients, warnings } = loadConfig(env);
    expect(clients).toEqual(loadConfig({ ...env, BROKER_API_KEY: key }).clients);
    expect(warnings).toEqual([
      {
        path: 'BROKER_API_KEY',
        text: expect.stringContaining('a carriage return and a newline after it') as string,
      },
    ]);
  });
});

describe('what is no AppSecret', () => {
  it.each([
    ['too short', SECRET.slice(1), `${MUST_BE}; this has 31`],
    ['a zero-width space', `${SECRET}\u200b`, `${MUST_BE}; character 33 is a zero-width space`],
    ['a space inside', `${SECRET.slice(1)} 0`, `${MUST_BE}; character 32 is a space`],
    ['two lines', `${SECRET.slice(16)}\n${SECRET.slice(16)}`, `${MUST_BE}; character 17 is a newline`],
    ['a letter too far', `g${SECRET.slice(1)}`, `${MUST_BE}; character 1 is another letter`],
    ['quotes', `"${SECRET}"`, `${MUST_BE}; the text is in quotes: remove them`],
    [
      'an API key',
      `tbk_${SECRET}`,
      "must be the platform's AppSecret, and this is an API key of this broker",
    ],
    ['an AppID', APP.appId, 'must be the AppSecret, and this is an AppID: are appId and appSecret swapped?'],
    ['nothing but white space', ' \n', 'is empty'],
  ])('is a fault by position and kind, wherever it comes from: %s', (_, text, expected) => {
    expect(faultsOf(() => fromFile(text))).toEqual([
      `apps[0].appSecret: ${inFolder('the-secret')}: ${expected}`,
    ]);
    expect(faultsOf(() => fromVariable(text))).toEqual([`apps[0].appSecret: ${expected}`]);
    expect(faultsOf(() => load(withApp({ appSecret: text })))).toEqual([`apps[0].appSecret: ${expected}`]);
  });

  it.each<[string, Buffer, string]>([
    ['UTF-16', Buffer.from(`\ufeff${SECRET}`, 'utf16le'), 'is UTF-16: save it as UTF-8'],
    [
      'UTF-16 without a mark',
      Buffer.from(SECRET, 'utf16le'),
      'holds NUL bytes, as UTF-16 does: save it as UTF-8',
    ],
    ['invalid UTF-8', Buffer.from([0x61, 0xff, 0x62]), 'is not valid UTF-8'],
    ['larger than 64 KiB', Buffer.alloc(65 * 1024, 'a'), 'is larger than 64 KiB'],
  ])('is a fault that names the file: %s', (_, content, expected) => {
    const [fault, ...more] = faultsOf(() => fromFile(content));
    expect(fault).toMatch(/^apps\[0\]\.appSecret: /);
    expect(fault).toContain(inFolder('the-secret'));
    expect(fault?.endsWith(expected)).toBe(true);
    expect(more).toEqual([]);
  });

  it('is a fault with its path where it holds half of a surrogate pair', () => {
    const half = 'character 1 is half of a surrogate pair';
    expect(faultsOf(() => load(withApp({ appSecret: '\ud800' })))).toEqual([`apps[0].appSecret: ${half}`]);
    expect(faultsOf(() => load(withRedis({ url: 'redis://host', password: '\ud800' })))).toEqual([
      `redis.password: ${half}`,
    ]);
  });
});

describe('appId and appSecret that are swapped', () => {
  it('are a fault on both, which says so and shows neither', () => {
    const faults = faultsOf(() => load(withApp({ appId: SECRET, appSecret: APP.appId })));
    expect(faults.map((line) => line.split(': ')[0])).toEqual(['apps[0].appId', 'apps[0].appSecret']);
    for (const fault of faults) expect(fault).toMatch(/are appId and appSecret swapped\?$/);
    expect(faults.join()).not.toContain(SECRET.slice(0, 20));
  });
});

describe('other secrets', () => {
  // prettier-ignore
  it.each<[string, unknown, string]>([
    ['a hash with a zero-width space', withClient({ keySha256: [`${'a'.repeat(64)}\u200b`] }), 'clients[0].keySha256[0]: must be a SHA-256 of 64 hex digits: character 65 is a zero-width space; `access-token-broker keygen` prints a key with its hash'],
    ['an encryption key in quotes', file({ encryption: { keys: [{ id: 'k', key: `'${ENCRYPTION_KEY}'` }] } }), 'encryption.keys[0].key: must be 32 bytes in base64; the text is in quotes: remove them; `access-token-broker keygen --encryption` makes one'],
    ['a Redis password of two lines', withRedis({ url: 'redis://host', password: 'a\nb' }), 'redis.password: must be visible characters on one line: character 2 is a newline'],
    ['a Redis URL with a tab', withRedis({ url: 'redis://ho\tst' }), 'redis.url: must be a URL of visible characters: character 11 is a tab'],
  ])('are refused only for what cannot be right: %s', (_, tree, expected) => {
    expect(faultsOf(() => load(tree))).toEqual([expected]);
  });

  it.each(['pa#ss', 'pa/ss', 'pa?ss', '12/34', 'a@b#c'])(
    'have the hint to percent-encode them where a Redis URL holds %s',
    (password) => {
      expect(faultsOf(() => load(withRedis({ url: `redis://user:${password}@host:6379/0` })))[0]).toMatch(
        /^redis\.url: must .*; # \/ \? and @ in a user or password must be percent-encoded \(%23 %2F %3F %40\), or give the password as redis\.password$/,
      );
    },
  );

  it('may stand beside a Redis URL that has none, whatever is in them', () => {
    const { redis } = load(
      withRedis({ url: 'redis://redis-master:6379/0', username: 'bro:ker', password: { env: 'R' } }),
      { R: 'a#/?@%:b' },
    );
    const url = new URL(redis?.server.kind === 'url' ? redis.server.url.value() : '');
    expect(url.host + url.pathname).toBe('redis-master:6379/0');
    expect([url.username, url.password].map(decodeURIComponent)).toEqual(['bro:ker', 'a#/?@%:b']);
  });

  it.each(['username', 'password'])('are a fault where a Redis URL has a %s as well', (key) => {
    expect(faultsOf(() => load(withRedis({ url: 'redis://u:p@host', [key]: 'x' })))).toEqual([
      `redis.${key}: redis.url has a ${key} as well; remove one of them`,
    ]);
  });
});

describe('two apps with one AppID', () => {
  const two = (more: Record<string, unknown>) => file({ apps: [APP, { ...APP, name: 'club', ...more }] });

  it('at one host and with one grant are a fault that names both', () => {
    expect(faultsOf(() => load(two({})))).toEqual([
      expect.stringMatching(
        /^apps\[1\]\.appId: is the same as apps\[0\]\.appId, with the same host and grant/,
      ),
    ]);
  });

  it('and different secrets are a fault that names both', () => {
    expect(faultsOf(() => load(two({ grant: 'classic', appSecret: 'f'.repeat(32) })))).toEqual([
      'apps[1].appSecret: is not that of apps[0], which has the same appId: an AppID has one AppSecret',
    ]);
  });

  it('may have one grant each, whose tokens live side by side, or a host each', () => {
    expect(load(two({ grant: 'classic' })).apps).toHaveLength(2);
    expect(load(two({ apiBaseUrl: 'https://gateway', appSecret: 'f'.repeat(32) })).apps).toHaveLength(2);
  });
});

describe('apps and clients as mappings by name', () => {
  it('are the same as lists', () => {
    const config = load({
      apps: { shop: { ...APP, name: undefined }, club: OTHER_APP },
      clients: { orders: { ...CLIENT, name: undefined } },
    });
    const asLists = load({ apps: [APP, OTHER_APP], clients: [CLIENT] });
    const textOf = (one: object): string =>
      JSON.stringify(one, (key, value: unknown) => (key === 'sha256' ? '' : value));
    expect(textOf(config)).toBe(textOf(asLists));
  });
});

describe('keys that keep nobody out', () => {
  const DEMO_HASH = '5f501fa92cec34ee8c6e26ed6deff81b57a1b4afc0f7374a71b13f01acf3ff75';
  const DEMO_ENCRYPTION_KEY = 'Zm9yIHRyeWluZyBpdCBvdXQsIG5vdCBmb3IgdXNlISE=';
  const known = "is a demonstration key that everybody can read in this project's repository";
  const demo = (apiBaseUrl?: string) => ({
    apps: [{ ...APP, apiBaseUrl }],
    clients: [{ ...CLIENT, keySha256: [DEMO_HASH] }],
    encryption: { keys: [{ id: 'k', key: DEMO_ENCRYPTION_KEY }] },
  });

  it('are refused when they are those of this repository, with how to make one', () => {
    expect(faultsOf(() => load(demo()))).toEqual([
      `clients[0].keySha256[0]: ${known}; \`access-token-broker keygen\` makes one`,
      `encryption.keys[0].key: ${known}; \`access-token-broker keygen --encryption\` makes one`,
    ]);
  });

  it.each(['http://127.0.0.1:9100', 'http://[::1]:9100', 'http://simulator:9100'])(
    'may be used with a simulator at %s',
    (apiBaseUrl) => {
      expect(() => load(demo(apiBaseUrl))).not.toThrow();
    },
  );

  it.each(['tbk_short', 'a'.repeat(31), 'a'.repeat(40), `tbk_${'a'.repeat(31)}`])(
    'are refused in BROKER_API_KEY: %s',
    (BROKER_API_KEY) => {
      const env = { BROKER_APP_ID: APP.appId, BROKER_APP_SECRET: SECRET, BROKER_API_KEY };
      expect(faultsOf(() => loadConfig(env))).toEqual([
        expect.stringMatching(/^BROKER_API_KEY: must be at least 32 random characters/),
      ]);
    },
  );
});

describe('what is no regular file', () => {
  it.each(['BROKER_CONFIG', 'appSecret'])('is refused at once, and not waited for, as %s', (where) => {
    const pipe = inFolder(`pipe-${where}`);
    execFileSync('mkfifo', [pipe]);
    const run = () =>
      where === 'BROKER_CONFIG'
        ? loadConfig({ BROKER_CONFIG: pipe })
        : load(withApp({ appSecret: { file: pipe } }));
    expect(faultsOf(run)[0]).toContain(`cannot read ${pipe}: is no regular file`);
  });

  it('is refused, and not read to its end, when it never ends', () => {
    expect(faultsOf(() => loadConfig({ BROKER_CONFIG: '/dev/zero' }))).toEqual([
      'BROKER_CONFIG: cannot read /dev/zero: is no regular file',
    ]);
  });

  it('and a configuration larger than 32 MiB, too', () => {
    const path = inFolder('large.yaml');
    writeFileSync(path, '#'.repeat(33 * 1024 * 1024));
    expect(faultsOf(() => loadConfig({ BROKER_CONFIG: path }))).toEqual([
      `BROKER_CONFIG: cannot read ${path}: is larger than 32768 KiB`,
    ]);
  });
});

describe('numbers beyond reason', () => {
  // prettier-ignore
  it.each<[string, unknown]>([
    ['apps[0].refresh.dailyBudget: must be a whole number from 1 to 500000', withApp({ refresh: { dailyBudget: 1e300 } })],
    ['apps[0].refresh.aheadSeconds: must be a number of seconds from 0.01 to 86400', withApp({ refresh: { aheadSeconds: 1e300 } })],
    ['apps[0].refresh.reconcileSeconds: must be a number of seconds from 0.01 to 3600', withApp({ refresh: { reconcileSeconds: 1e-9 } })],
    ['server.drainSeconds: must be a number of seconds from 0 to 3600', file({ server: { drainSeconds: 1e9 } })],
  ])('are a fault that names the bounds: %s', (expected, tree) => {
    expect(faultsOf(() => load(tree)).map((line) => line.split(', got')[0])).toEqual([expected]);
  });
});
