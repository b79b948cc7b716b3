import fc from 'fast-check';
import {
  APP,
  CLIENT,
  ENCRYPTION_KEY,
  HASH,
  ISSUER,
  OTHER_APP,
  file,
  load,
  withApp,
  withClient,
  withIssuers,
} from '../../test/support/config-file.js';
import type { Config } from './config.js';
import { auditedConfig, changesBetween, inForce, type ConfigChange } from './config-changes.js';
import { Secret } from './secret.js';

const OTHER_SECRET = 'fedcba9876543210fedcba9876543210';
const OTHER_KEY = Buffer.alloc(32, 8).toString('base64');
const MAILER = { ...CLIENT, name: 'mailer', keySha256: ['b'.repeat(64)] };

type Tree = Record<string, unknown>;

const told = (running: Tree, next: Tree): string[] =>
  changesBetween(load(running), load(next)).map(({ path, effect }) => `${path}: ${effect}`);

const withRedis = (url: string, key = ENCRYPTION_KEY): Tree =>
  file({ redis: { url }, encryption: { keys: [{ id: 'k1', key }] } });
const withCallOf = (client: Tree, more: Tree = {}): Tree =>
  file({
    clients: [{ ...CLIENT, scopes: ['gateway'], gateway: { allow: ['GET /**'] }, ...client }],
    ...more,
  });

describe('a change of the configuration', () => {
  // prettier-ignore
  it.each<[string, Tree, Tree, string[]]>([
    ['nothing', file(), file(), []],
    ['a client is added', file(), file({ clients: [CLIENT, MAILER] }), ['clients.mailer: at_once']],
    ['a client is removed', file({ clients: [CLIENT, MAILER] }), file(), ['clients.mailer: at_once']],
    ['a key is added', file(), withClient({ keySha256: [HASH, 'b'.repeat(64)] }), ['clients.orders.keySha256: at_once']],
    ['a scope is added', file(), withClient({ scopes: ['token:read', 'token:refresh'] }), ['clients.orders.scopes: at_once']],
    ['a client is for all apps', file(), withClient({ apps: '*' }), ['clients.orders.apps: at_once']],
    ['what a client may call', withCallOf({}), withCallOf({ gateway: { allow: ['GET /cgi-bin/**'] } }), ['clients.orders.gateway.allow: at_once']],
    ['clients in another order', file({ clients: [CLIENT, MAILER] }), file({ clients: [MAILER, CLIENT] }), []],
    ['an app is added', file(), file({ apps: [APP, OTHER_APP] }), ['apps.club: app_added']],
    ['an app is removed', file({ apps: [APP, OTHER_APP] }), file(), ['apps.club: app_removed']],
    ['another appId', file(), withApp({ appId: OTHER_APP.appId }), ['apps.shop: app_replaced']],
    ['another grant', file(), withApp({ grant: 'classic' }), ['apps.shop: app_replaced']],
    ['another type', file(), withApp({ type: 'mini_program' }), ['apps.shop: app_replaced']],
    ['another host', file(), withApp({ apiBaseUrl: 'https://api2.weixin.qq.com' }), ['apps.shop: app_replaced']],
    ['another path of the same host', file(), withApp({ apiBaseUrl: 'https://api.weixin.qq.com/v2' }), ['apps.shop.apiBaseUrl: restart_required']],
    ['a grant is written out that held already', file(), withApp({ grant: 'stable' }), []],
    ['a time of refresh', file(), withApp({ refresh: { aheadSeconds: 600 } }), ['apps.shop.refresh.aheadSeconds: at_once']],
    ['a login', file(), withApp({ login: { redirectUris: ['https://shop.example/in'] } }), ['apps.shop.login.redirectUris: at_once']],
    ['the way out of an app', file(), withApp({ egress: { localAddress: '127.0.0.1' } }), ['apps.shop.egress: at_once']],
    ['the way out of all', file(), file({ egress: { localAddress: '127.0.0.1' } }), ['egress.localAddress: at_once']],
    ['limits of the gateway', file(), file({ gateway: { maxInFlightPerApp: 8 } }), ['gateway.maxInFlightPerApp: at_once']],
    ['a rate of all callers', file(), file({ rate: { requestsPerSecond: 50 } }), ['rate.requestsPerSecond: at_once']],
    ['a rate of one caller', file(), withClient({ rate: { requestsPerSecond: 50 } }), ['clients.orders.rate: at_once']],
    ['a limit', file(), file({ limits: { streamsPerClient: 9 } }), ['limits.streamsPerClient: at_once']],
    ['refused keys of an address', file(), file({ auth: { failuresPerMinute: 30 } }), ['auth.failuresPerMinute: at_once']],
    ['an issuer of JWTs', file(), file({ identities: { jwt: [ISSUER] } }), ['identities: at_once']],
    ['an AppSecret', file(), withApp({ appSecret: OTHER_SECRET }), ['apps.shop.appSecret: secret_tried']],
    ['a port', file(), file({ server: { port: 9000 } }), ['server.port: restart_required']],
    ['an audit', file(), file({ audit: { reads: 'all' } }), ['audit.reads: restart_required']],
    ['tracing', file(), file({ tracing: { endpoint: 'http://collector:4318/v1/traces' } }), ['tracing: restart_required']],
    ['Redis', withRedis('redis://one:6379/0'), withRedis('redis://two:6379/0'), ['redis.url: restart_required']],
    ['a key of encryption', withRedis('redis://one:6379/0'), withRedis('redis://one:6379/0', OTHER_KEY), ['encryption.keys: restart_required']],
    ['an app whose name has a dot', file({ apps: [{ ...APP, name: 'shop.eu' }], clients: [{ ...CLIENT, apps: '*' }] }), file({ apps: [{ ...APP, name: 'shop.eu', refresh: { jitterSeconds: 9 } }], clients: [{ ...CLIENT, apps: '*' }] }), ['apps.shop.eu.refresh.jitterSeconds: at_once']],
    ['a key and a port in one file', file(), { ...withClient({ apps: '*' }), server: { port: 9000 } }, ['clients.orders.apps: at_once', 'server.port: restart_required']],
  ])('is found: %s', (_what, running, next, expected) => {
    expect(told(running, next)).toEqual(expected);
  });

  it('keeps what only a restart takes over, and takes the rest', () => {
    const [running] = load(file()).apps;
    const next = {
      apiBaseUrl: 'https://api.weixin.qq.com/v2',
      appSecret: OTHER_SECRET,
      refresh: { aheadSeconds: 600 },
    };
    const [read] = load(withApp(next)).apps;
    if (!running || !read) throw new Error('there is no app');
    const app = inForce(running, read);
    expect(app.apiBaseUrl).toBe('https://api.weixin.qq.com');
    expect(app.refresh.aheadSeconds).toBe(600);
    expect(app.appSecret.value()).toBe(OTHER_SECRET);
    expect(app.shownId).toBe(APP.appId);
  });
});

describe('changes between any two configurations', () => {
  const names = ['shop', 'club', 'shop.eu'];
  const apps = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom(...names),
      appId: fc.constant(''),
      appSecret: fc.constantFrom(APP.appSecret, OTHER_SECRET),
      grant: fc.constantFrom('stable', 'classic'),
      refresh: fc.record({ jitterSeconds: fc.integer({ min: 0, max: 3 }) }),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 3 },
  );
  const clients = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('orders', 'mailer', 'crm.eu'),
      apps: fc.constant('*'),
      scopes: fc.subarray(['token:read', 'token:refresh', 'token:admin'], { minLength: 1 }),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 3 },
  );
  const trees = fc
    .record({
      server: fc.record({ port: fc.integer({ min: 1, max: 3 }) }),
      gateway: fc.record({ maxInFlightPerApp: fc.integer({ min: 1, max: 3 }) }),
      redis: fc.record({
        url: fc.constantFrom('redis://u:hidden-one@r:6379/0', 'redis://u:hidden-two@r:6379/0'),
      }),
      encryption: fc.constant({ keys: [{ id: 'k1', key: ENCRYPTION_KEY }] }),
      apps,
      clients,
    })
    .map((tree) => ({
      ...tree,
      apps: tree.apps.map((app) => ({
        ...app,
        appId: `wx${String(names.indexOf(app.name)).padStart(16, '0')}`,
      })),
      clients: tree.clients.map((client, index) => ({
        ...client,
        keySha256: [String(index + 1).repeat(64)],
      })),
    }));

  /** What is at the path of a change, as text; secrets by their value. */
  function at(config: Config, path: string): string {
    const [list = ''] = path.split('.');
    const lists: Readonly<Record<string, readonly { readonly name: string }[]>> = {
      apps: config.apps,
      clients: config.clients,
    };
    const entry = lists[list]
      ?.toSorted((a, b) => b.name.length - a.name.length)
      .find(({ name }) => `${path}.`.startsWith(`${list}.${name}.`));
    if (lists[list] && !entry) return 'nothing';
    const place = entry ? path.slice(`${list}.${entry.name}.`.length) : path;
    const rest = place.split('.').filter(Boolean);
    const value = rest.reduce<unknown>((node, key) => (node as Tree)[key], entry ?? config);
    return value instanceof Secret ? value.value() : JSON.stringify(value);
  }

  it('are none for the same file, and name only what differs, and no secret', () => {
    fc.assert(
      fc.property(trees, trees, (one, other) => {
        const [running, again, next] = [load(one), load(one), load(other)];
        expect(changesBetween(running, again)).toEqual([]);
        const changes = changesBetween(running, next);
        for (const { path } of changes) expect([path, at(running, path)]).not.toEqual([path, at(next, path)]);
        expect(new Set(changes.map(({ path }) => path)).size).toBe(changes.length);
        expect(JSON.stringify(changes)).not.toMatch(/hidden|0123456789abcdef|fedcba9876543210/);
        const back = changesBetween(next, running);
        expect(back.map(mirrored).sort()).toEqual(
          changes.map(({ path, effect }) => `${path} ${effect}`).sort(),
        );
      }),
      { numRuns: 50 },
    );
  });

  function mirrored({ path, effect }: ConfigChange): string {
    const turned = { app_added: 'app_removed', app_removed: 'app_added' } as const;
    return `${path} ${effect in turned ? turned[effect as keyof typeof turned] : effect}`;
  }
});

describe('what the audit says of a configuration', () => {
  it('is who may do what, without what would let somebody do it', () => {
    const client = {
      ...CLIENT,
      scopes: ['token:read', 'gateway'],
      gateway: { allow: ['GET /cgi-bin/**'] },
      virtualTokens: true,
      subjects: [{ issuer: ISSUER.issuer, sub: 'system:serviceaccount:shop:orders' }],
    };
    const encryption = { keys: [{ id: 'k1', key: ENCRYPTION_KEY }] };
    const audited = auditedConfig(load({ ...withIssuers([ISSUER], client), encryption }), 'c'.repeat(64));
    expect(audited).toEqual({
      sha256: 'c'.repeat(64),
      apps: ['shop'],
      clients: [
        {
          name: 'orders',
          apps: ['shop'],
          scopes: ['token:read', 'gateway'],
          keys: ['a'.repeat(8)],
          subjects: [`${ISSUER.issuer} system:serviceaccount:shop:orders`],
          gateway: ['GET /cgi-bin/**'],
          virtual_tokens: true,
        },
      ],
    });
  });

  it('leaves out what a client has not', () => {
    expect(auditedConfig(load(file()), null).clients).toEqual([
      { name: 'orders', apps: ['shop'], scopes: ['token:read'], keys: ['a'.repeat(8)] },
    ]);
  });
});
