// The chart and the server take and refuse the same configurations: each value of the good ones below is replaced by many others, right
// and wrong, and both have to say the same. Needs a build.
//   node ci/chart/same-verdict.mjs <the program `accepts`> helm/access-token-broker
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { loadAsServer } from './server-config.mjs';

const [accepts, chart] = process.argv.slice(2);

/** Sets of values that have every key of `config` between them. */
const GOOD = ['everything', 'redis-tls', 'default'];
const PROBES = [
  true,
  '',
  'x',
  'a b',
  'x'.repeat(300),
  -1,
  0,
  0.5,
  1,
  59,
  1024,
  7201,
  65535,
  65536,
  1e9,
  1e300,
  [],
  {},
  ['x'],
];

/** Where the chart refuses what the server takes, and why. */
const STRICTER = [
  [
    'config.server.port',
    'a user without capabilities may not listen below 1024, and a Service needs a port that is known',
  ],
  ['config.server.adminPort', 'likewise'],
  ['config.server.drainSeconds', 'these values have a terminationGracePeriodSeconds that has to cover it'],
  ['config.audit.destination', 'the root of the container is read-only'],
];

/** Which key of an app the chart fills in, by its platform. */
const SECRET_KEYS = JSON.parse(readFileSync(`${chart}/files/secret-keys.json`, 'utf8'));

/** More than one value at a time: [what is changed in the default values, what]. */
const TOGETHER = [
  [
    'a URL of Redis without a password, and the password beside it',
    { redis: { url: 'redis://redis:6379/0', password: { env: 'P' } } },
  ],
  ['and the user', { redis: { url: 'redis://redis:6379/0', username: 'broker', password: { env: 'P' } } }],
  ['a user without a password', { redis: { url: 'redis://redis:6379/0', username: 'broker' } }],
  ['two users', { redis: { url: 'redis://other@redis:6379/0', username: 'broker', password: { env: 'P' } } }],
  ['two kinds of Redis', { redis: { url: 'redis://redis', clusterNodes: [{ host: 'redis', port: 6379 }] } }],
  ['no Redis in the section of Redis', { redis: { keyPrefix: 'wechat:' } }],
  ['sentinels without a name', { redis: { sentinels: [{ host: 'redis', port: 26379 }] } }],
  ['a name without sentinels', { redis: { url: 'redis://redis', name: 'tokens' } }],
  ['a login of sentinels without sentinels', { redis: { url: 'redis://redis', sentinelUsername: 'x' } }],
  ['a database that is no number', { redis: { url: 'redis://redis/tokens' } }],
  ['a database', { redis: { url: 'redis://redis/3' } }],
  ['one name for two apps', { apps: [app('shop', 1), app('shop', 2)] }],
  ['one AppID for two apps', { apps: [app('shop', 1), app('club', 1)] }],
  ['one AppID of two types', { apps: [app('shop', 1), { ...app('mini', 1), type: 'mini_program' }] }],
  ['a website', { apps: [app('shop', 1), { ...app('site', 2), type: 'website' }] }],
  ['a website with a grant', { apps: [{ ...app('site', 1), type: 'website', grant: 'stable' }] }],
  ['two apps', { apps: [app('shop', 1), app('club', 2)] }],
  ['apps by name', { apps: { shop: { appId: app('', 1).appId }, club: { appId: app('', 2).appId } } }],
  ['one name for two callers', { clients: [client('orders', 1), client('orders', 2)] }],
  ['one key for two callers', { clients: [client('orders', 1), client('admin', 1)] }],
  ['callers by name', { clients: { orders: { ...client('orders', 1), name: undefined } } }],
  ['a caller without a key', { clients: [without('keySha256', client('orders', 1))] }],
  [
    'a caller with keys',
    {
      clients: [
        {
          ...without('keySha256', client('orders', 1)),
          keys: [{ sha256: 'b'.repeat(64), expiresAt: '2100-01-01T00:00:00Z' }],
        },
      ],
    },
  ],
  [
    'a hash that is a key as well',
    { clients: [{ ...client('orders', 1), keys: [{ sha256: '1'.repeat(64) }] }] },
  ],
  ['a key without a file or a hash', { clients: [{ ...client('orders', 1), keys: [{}] }] }],
  [
    'a key with both',
    { clients: [{ ...client('orders', 1), keys: [{ file: '/k', sha256: 'b'.repeat(64) }] }] },
  ],
  ['a caller with a subject', { identities: { jwt: [issuer('a')] }, clients: [subject({ sub: 'x' })] }],
  ['a subject without issuers', { clients: [subject({ sub: 'x' })] }],
  [
    'a subject of one of two issuers',
    { identities: { jwt: [issuer('a'), issuer('b')] }, clients: [subject({ sub: 'x' })] },
  ],
  [
    'a subject of another issuer',
    { identities: { jwt: [issuer('a')] }, clients: [subject({ issuer: 'b', sub: 'x' })] },
  ],
  ['a subject of nobody', { identities: { jwt: [issuer('a')] }, clients: [subject({})] }],
  [
    'a subject twice',
    { identities: { jwt: [issuer('a')] }, clients: [subject({ sub: 'x' }, { issuer: 'a', sub: 'x' })] },
  ],
  ['one issuer twice', { identities: { jwt: [issuer('a'), issuer('a')] } }],
  ['an issuer without keys', { identities: { jwt: [without('jwksUri', issuer('a'))] } }],
  ['an issuer with two sets of keys', { identities: { jwt: [{ ...issuer('a'), jwks: { env: 'K' } }] } }],
  ['one port for all', { server: { adminPort: 8080 } }],
  ['certificates of nobody', { clients: [{ ...client('orders', 1), certificates: [{ san: 'a.b' }] }] }],
  ['an app that is not there', { clients: [{ ...client('orders', 1), apps: ['club'] }] }],
  ['all apps in a list', { clients: [{ ...client('orders', 1), apps: ['*'] }] }],
  ['one id for two keys', { encryption: { keys: [key('k1'), key('k1')] } }],
  [
    'a lease that ends before the fetch',
    { apps: [{ ...app('shop', 1), refresh: { upstreamTimeoutSeconds: 15, leaseSeconds: 15 } }] },
  ],
  [
    'more forced fetches than fetches',
    { apps: [{ ...app('shop', 1), refresh: { dailyBudget: 10, forcedDailyBudget: 11 } }] },
  ],
  [
    'a proxy with its login beside it',
    { egress: { proxy: 'http://proxy:3128', proxyUsername: 'broker', proxyPassword: { env: 'P' } } },
  ],
  ['a proxy with a path', { egress: { proxy: 'http://proxy:3128/a' } }],
  ['a proxy in two places', { egress: { proxy: 'http://proxy:3128', proxyFromEnvironment: true } }],
  ['the proxy of the environment', { egress: { proxyFromEnvironment: true } }],
  ['a login of no proxy', { egress: { proxyUsername: 'broker' } }],
  ['a password of no proxy', { apps: [{ ...app('shop', 1), egress: { proxyPassword: { env: 'P' } } }] }],
  ['no way out of its own', { apps: [{ ...app('shop', 1), egress: {} }] }],
  ['headers without a collector', { tracing: { headers: { 'x-api-key': { env: 'K' } } } }],
];

function app(name, digit) {
  return { name, appId: `wx${String(digit).repeat(16)}` };
}
function client(name, digit) {
  return { name, keySha256: [String(digit).repeat(64)], apps: ['shop'], scopes: ['token:read'] };
}
function issuer(name) {
  return { issuer: name, audience: 'x', jwksUri: 'https://login.example/jwks' };
}
function subject(...subjects) {
  return { ...without('keySha256', client('orders', 1)), subjects };
}
function without(key, of) {
  return Object.fromEntries(Object.entries(of).filter(([name]) => name !== key));
}
function key(id) {
  return { id, key: { env: 'ENCRYPTION_KEY' } };
}

const isSecret = (node) =>
  isDeepStrictEqual(Object.keys(node), ['file']) || isDeepStrictEqual(Object.keys(node), ['env']);

/** The places of all values, of a list its first entry; secrets left out: a secret in clear is what the chart never takes. */
function* leaves(node, path = []) {
  if (typeof node !== 'object' || node === null) yield path;
  else if (Array.isArray(node)) yield* leaves(node[0], [...path, 0]);
  else if (!isSecret(node))
    for (const [key, child] of Object.entries(node)) yield* leaves(child, [...path, key]);
}

function replaced(values, path, value) {
  const copy = JSON.parse(JSON.stringify(values));
  const parent = path.slice(0, -1).reduce((node, key) => node[key], copy);
  parent[path.at(-1)] = value;
  return copy;
}

const cases = [];
const probed = new Set();
for (const name of GOOD) {
  const values = parse(readFileSync(`${chart}/ci/${name}-values.yaml`, 'utf8'));
  cases.push({ what: `${name}-values.yaml`, values });
  const places = [...leaves({ config: values.config })].filter((path) => !probed.has(path.join('.')));
  for (const path of places) {
    probed.add(path.join('.'));
    for (const probe of PROBES) {
      const what = `${name}: ${path.join('.')} = ${JSON.stringify(probe)}`;
      cases.push({ what, at: path.join('.'), values: replaced(values, path, probe) });
    }
  }
}
const plain = parse(readFileSync(`${chart}/ci/default-values.yaml`, 'utf8'));
for (const [what, changed] of TOGETHER) {
  cases.push({
    what,
    values: JSON.parse(JSON.stringify({ ...plain, config: { ...plain.config, ...changed } })),
  });
}

/** The issuer that the chart adds. */
const CLUSTER = { ...issuer('https://kubernetes.default.svc.cluster.local'), audience: 'x' };

/** What the chart would render, if it took the values. */
function asRendered({ config, clusterIdentity }) {
  const { apps, encryption, redis, identities, ...rest } = config;
  const list = Array.isArray(apps) ? apps : Object.entries(apps).map(([name, each]) => ({ name, ...each }));
  const withSecret = list.map((each) => ({
    [SECRET_KEYS[each.provider ?? 'wechat'] ?? 'appSecret']: { file: `/run/secrets/broker/${each.name}` },
    ...each,
  }));
  const issuers = clusterIdentity ? { jwt: [...(identities?.jwt ?? []), CLUSTER] } : identities;
  return {
    ...rest,
    identities: issuers,
    redis,
    encryption: encryption ?? { keys: [key('k1')] },
    apps: withSecret,
  };
}

function serverFault(values) {
  try {
    loadAsServer(asRendered(values));
    return null;
  } catch (error) {
    return error.message;
  }
}

const input = JSON.stringify(cases.map(({ values }) => values));
const verdicts = JSON.parse(execFileSync(accepts, [chart], { input, maxBuffer: 2 ** 28 }));
const isStricter = (at) => STRICTER.some(([path]) => path === at);
let taken = 0;
for (const [index, { what, at, values }] of cases.entries()) {
  const chartFault = verdicts[index].fault ?? null;
  const fault = serverFault(values);
  if (chartFault === null && fault === null) taken++;
  if ((chartFault === null) === (fault === null) || (chartFault !== null && isStricter(at))) continue;
  console.error(`${what}\n  the chart: ${chartFault ?? 'takes it'}\n  the server: ${fault ?? 'takes it'}`);
  process.exitCode = 1;
}
console.log(`${cases.length} configurations: ${taken} taken and ${cases.length - taken} refused by both`);
