import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  APP,
  CLIENT,
  ENCRYPTION_KEY,
  HASH,
  OTHER_APP,
  faultsOf,
  file,
  inFolder,
  load,
  loadText,
  withApp,
  withRedis,
  withRefresh,
  withServer,
  withTracing,
} from '../../test/support/config-file.js';
import { aheadFinding } from './cross-checks.js';

describe('a configuration file', () => {
  it('gets the defaults for what it leaves out', () => {
    expect(JSON.parse(JSON.stringify(load(file())))).toEqual({
      server: {
        port: 8080,
        logLevel: 'info',
        docs: false,
        trustProxy: false,
        drainSeconds: 0,
      },
      audit: { reads: 'sampled', destination: 'stdout' },
      apps: [
        {
          ...APP,
          provider: 'wechat',
          type: 'official_account',
          login: { redirectUris: [] },
          appSecret: '[secret]',
          apiBaseUrl: 'https://api.weixin.qq.com',
          refresh: {
            aheadSeconds: 270,
            jitterSeconds: 20,
            dailyBudget: 200,
            forcedDailyBudget: 20,
            verifyReports: true,
            upstreamTimeoutSeconds: 8,
            leaseSeconds: 15,
            reconcileSeconds: 5,
          },
        },
      ],
      clients: [CLIENT],
      warnings: [],
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      metrics: { perApp: 'all' },
      rate: { requestsPerSecond: 5000 },
      auth: { failuresPerMinute: 60 },
      limits: {
        connections: 10_000,
        connectionsPerAddress: 5000,
        streamsPerClient: 50,
        requestsInFlight: 2000,
        requestsInFlightPerClient: 1000,
        startFetchesPerSecond: 100,
      },
      gateway: { maxInFlightPerApp: 512 },
      egress: { proxyFromEnvironment: false, environment: null, unusedProxyVariable: null },
    });
  });

  it('has the stable grant unless it says otherwise', () => {
    expect(load(file()).apps[0]?.grant).toBe('stable');
    expect(load(withApp({ grant: 'classic' })).apps[0]?.grant).toBe('classic');
  });

  it('refreshes a classic grant 900 s ahead, unless it says otherwise', () => {
    expect(load(withApp({ grant: 'classic' })).apps[0]?.refresh.aheadSeconds).toBe(900);
    expect(load(withRefresh({ aheadSeconds: 0.5 })).apps[0]?.refresh.aheadSeconds).toBe(0.5);
  });

  it('warns where it would only fetch the same token again, and loads', () => {
    expect(load(withRefresh({ aheadSeconds: 300 })).warnings).toEqual([]);
    expect(load(withApp({ grant: 'classic', refresh: { aheadSeconds: 3000 } })).warnings).toEqual([]);
    expect(load(withRefresh({ aheadSeconds: 301 })).warnings).toEqual([
      {
        path: 'apps[0].refresh.aheadSeconds',
        text: 'the platform gives the same token until 300 s of its life are left: more than 300 only costs calls',
      },
    ]);
  });

  it('refuses it where nothing makes the platform give another token', () => {
    const rule = {
      repeats: { sameUntilMs: 0 },
      previous: 'stays_valid',
      renewsOnFetch: false,
      canForce: false,
    } as const;
    const defaults = {
      aheadSeconds: 5,
      jitterSeconds: 0,
      dailyBudget: 200,
      forcedDailyBudget: 20,
      verifyReports: true,
    };
    expect(aheadFinding(5, { rule, defaults })).toBeUndefined();
    expect(aheadFinding(6, { rule, defaults })).toEqual({
      isFault: true,
      text: 'must be at most 5: the platform gives the same token until its end: more than 5 only costs calls',
    });
  });

  it('lowers the default of forcedDailyBudget to a small dailyBudget', () => {
    expect(load(withRefresh({ dailyBudget: 7 })).apps[0]?.refresh.forcedDailyBudget).toBe(7);
  });

  it('accepts a lease that exceeds the timeout by exactly 1, in floating point too', () => {
    expect(() => load(withRefresh({ upstreamTimeoutSeconds: 0.1, leaseSeconds: 1.1 }))).not.toThrow();
    expect(() => load(withRefresh({ upstreamTimeoutSeconds: 0.3, leaseSeconds: 1.3 }))).not.toThrow();
  });

  it('is frozen through and through', () => {
    const config = load(withServer({ trustProxy: ['10.0.0.0/8'] }));
    const thawed: unknown[] = [];
    const walk = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) thawed.push(value);
      Object.values(value).forEach(walk);
    };
    walk(config);
    expect(thawed).toEqual([]);
  });

  it('takes secrets from a file, the environment or a literal', () => {
    const path = inFolder('secret');
    const [inFile, inVariable, literal] = ['a', 'b', 'c'].map((digit) => digit.repeat(32));
    writeFileSync(path, `${inFile}\n`);
    const secretOf = (appSecret: unknown) =>
      load(withApp({ appSecret }), { SHOP: inVariable }).apps[0]?.appSecret.value();
    expect(secretOf({ file: path })).toBe(inFile);
    expect(secretOf({ env: 'SHOP' })).toBe(inVariable);
    expect(secretOf(literal)).toBe(literal);
  });

  it('has an app wait for the file of its AppSecret, if another app has its own', () => {
    const options = { mayAwaitAppSecrets: true };
    const missing = { ...OTHER_APP, appSecret: { file: '/no/such' } };
    const { apps, warnings } = load(file({ apps: [APP, missing] }), {}, options);
    expect(apps.map(({ appSecret }) => appSecret.fault)).toEqual([
      null,
      'cannot read /no/such: ENOENT: no such file or directory',
    ]);
    expect(warnings).toEqual([
      {
        path: 'apps[1].appSecret',
        text: 'cannot read /no/such: ENOENT: no such file or directory; the app waits for it, the others are served',
      },
    ]);
    const fault = 'apps[0].appSecret: cannot read /no/such: ENOENT: no such file or directory';
    expect(faultsOf(() => load(file({ apps: [{ ...missing, name: 'shop' }] }), {}, options))).toEqual([
      fault,
    ]);
    const unset = { ...OTHER_APP, appSecret: { env: 'NOT_SET' } };
    expect(faultsOf(() => load(file({ apps: [APP, unset] }), {}, options))).toHaveLength(1);
  });

  it('shows no secret when the configuration is logged', () => {
    const config = load(withRedis({ url: 'redis://:redis-secret@host/0' }));
    for (const shown of [inspect(config, { depth: null, showHidden: true }), JSON.stringify(config)]) {
      expect(shown).not.toContain('redis-secret');
      expect(shown).not.toContain(APP.appSecret);
      expect(shown).not.toContain(ENCRYPTION_KEY);
    }
  });

  it('writes hashes in lower case and base URLs without a slash at the end', () => {
    const config = load({
      apps: [{ ...APP, apiBaseUrl: 'http://127.0.0.1:9100/' }],
      clients: [{ ...CLIENT, keySha256: [HASH.toUpperCase()] }],
    });
    expect(config.apps[0]?.apiBaseUrl).toBe('http://127.0.0.1:9100');
    expect(config.clients[0]?.keySha256).toEqual([HASH]);
  });

  it('bounds what a client is promised, if it says so', () => {
    const clients = [{ ...CLIENT, maxExpiresInSeconds: 300 }];
    expect(load(file({ clients })).clients).toEqual(clients);
  });

  it('names Redis by a URL, by sentinels or by cluster nodes', () => {
    const redisOf = (redis: Record<string, unknown>) => load(withRedis(redis)).redis;
    const nodes = [{ host: 'a', port: 1 }];
    expect(redisOf({ url: 'rediss://host' })).toMatchObject({
      server: { kind: 'url' },
      isTls: true,
    });
    expect(redisOf({ sentinels: nodes, name: 'primary', password: 'p' })).toMatchObject({
      server: { kind: 'sentinel', sentinels: nodes, name: 'primary' },
      keyPrefix: 'tokenbroker:',
      isTls: false,
    });
    expect(redisOf({ clusterNodes: nodes, tls: {} })).toMatchObject({
      server: { kind: 'cluster', nodes },
      isTls: true,
    });
  });

  it('traces nothing, or as it says, with secrets in headers', () => {
    expect(load(file()).tracing).toBeUndefined();
    const { tracing } = load(withTracing({ headers: { authorization: { env: 'COLLECTOR' } } }), {
      COLLECTOR: 'Bearer collector-secret',
    });
    expect(tracing).toMatchObject({ endpoint: 'http://collector:4318/v1/traces', sampleRatio: 0.1 });
    expect(tracing?.headers.authorization?.value()).toBe('Bearer collector-secret');
    expect(inspect(tracing, { depth: null, showHidden: true })).not.toContain('collector-secret');
  });

  it('may share a block by an alias', () => {
    const config = loadText(`
apps:
  - { name: a, appId: wx0000000000000001, appSecret: ${APP.appSecret}, refresh: &slow { reconcileSeconds: 60 } }
  - { name: b, appId: wx0000000000000002, appSecret: ${APP.appSecret}, refresh: *slow }
clients: [{ name: c, keySha256: [${'b'.repeat(64)}], apps: "*", scopes: ["token:read"] }]`);
    expect(config.apps.map(({ refresh }) => refresh.reconcileSeconds)).toEqual([60, 60]);
  });

  it('loads the example', () => {
    const text = readFileSync(join(import.meta.dirname, '../../config.example.yaml'), 'utf8');
    expect(loadText(text, { SHOP_SECRET: APP.appSecret }).apps[0]?.name).toBe('shop');
  });
});

describe('what crosses a network in clear', () => {
  const pathsOf = (tree: unknown) => load(tree).warnings.map(({ path }) => path);

  it.each<[string, unknown, string[]]>([
    ['http:// to a platform', withApp({ apiBaseUrl: 'http://wechat.example' }), ['apps[0].apiBaseUrl']],
    ['https:// to a platform', withApp({ apiBaseUrl: 'https://wechat.example' }), []],
    ['http:// to a simulator on this machine', withApp({ apiBaseUrl: 'http://127.0.0.1:1' }), []],
    ['http:// to a simulator in Compose', withApp({ apiBaseUrl: 'http://wechat:3000' }), []],
    ['redis://', withRedis({ url: 'redis://redis:6379' }), ['redis.url']],
    ['rediss://', withRedis({ url: 'rediss://redis:6379' }), []],
    ['redis:// on this machine', withRedis({ url: 'redis://[::1]:6379' }), []],
    ['sentinels', withRedis({ sentinels: [{ host: 'a', port: 1 }], name: 'm' }), ['redis.sentinels']],
    ['sentinels with TLS', withRedis({ sentinels: [{ host: 'a', port: 1 }], name: 'm', tls: {} }), []],
    ['a cluster', withRedis({ clusterNodes: [{ host: 'a', port: 1 }] }), ['redis.clusterNodes']],
    ['a cluster on this machine', withRedis({ clusterNodes: [{ host: '127.0.0.1', port: 1 }] }), []],
  ])('is a warning: %s', (_what, tree, expected) => {
    expect(pathsOf(tree)).toEqual(expected);
  });
});
