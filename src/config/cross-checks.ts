import { apiKeyFault, isDemoKeyHash, MAKE_A_KEY, sha256Hex } from './api-key.js';
import type { CredentialSpec } from '../platforms/platform.js';
import { AppSection } from './app.section.js';
import type { Config } from './config.js';
import { egressFaults } from './egress.section.js';
import { duplicates, faultIf, isWordLike, textsOf, type Fault, type Place } from './faults.js';
import { identityFaults } from './identities.section.js';
import { isDemoEncryptionKey, MAKE_AN_ENCRYPTION_KEY, type RedisSection } from './redis.section.js';
import { Secret } from './secret.js';
import { tlsFaults } from './server.section.js';
import {
  asList,
  isLoopback,
  isMapping,
  isTrialHost,
  mappingsIn,
  nearest,
  parseUrl,
  type Placed,
} from './values.js';

/** The rules between sections. Runs whether or not the sections are right, so it takes nothing for granted. */
export function crossChecks(config: Config): Fault[] {
  const { redis, encryption, identities, egress, server }: Partial<Record<keyof Config, unknown>> = config;
  const apps = mappingsIn(config.apps, 'apps');
  const clients = mappingsIn(config.clients, 'clients');
  const encryptionKeys = mappingsIn(isMapping(encryption) ? encryption.keys : undefined, 'encryption.keys');
  const hashes = hashesOf(clients);
  const isTrial = apps.every(({ entry }) => isTrialHost(entry.apiBaseUrl));
  const ways = [
    { path: 'egress', entry: egress },
    ...apps.map(({ path, entry }) => ({ path: `${path}.egress`, entry: entry.egress })),
  ];
  return [
    ...duplicates(textsOf(apps, 'name')),
    ...duplicates(textsOf(clients, 'name')),
    ...duplicates(textsOf(encryptionKeys, 'id')),
    ...duplicates(hashes),
    ...conflicts(apps),
    ...(isTrial ? [] : demoKeys(hashes, encryptionKeys)),
    ...unknownApps(apps, clients),
    ...serverFaults(server),
    ...identityFaults(identities, clients, server),
    ...clients.flatMap(({ path, entry }) => apiKeysOf(entry, path)).flatMap((key) => keyFaults(key, isTrial)),
    ...clients.flatMap(gatewayFaults),
    ...clients.flatMap((client) => virtualTokenFaults(client, encryption !== undefined)),
    ...ways.flatMap(({ path, entry }) => (isMapping(entry) ? egressFaults(entry, path) : [])),
    ...(redis === undefined ? [] : redisFaults(redis, encryption)),
  ];
}

/** The SHA-256 of each API key, and the place where the key is written. */
function hashesOf(clients: readonly Placed[]): Place[] {
  const all = clients.flatMap(({ path, entry }) => [
    ...asList(entry.keySha256).map((hash, at) => ({ path: `${path}.keySha256[${at}]`, text: hash })),
    ...apiKeysOf(entry, path).flatMap(({ path: key, entry: { file, sha256 } }) => [
      { path: `${key}.sha256`, text: sha256 },
      { path: `${key}.file`, text: file instanceof Secret ? sha256Hex(file.value()) : null },
    ]),
  ]);
  return all.flatMap(({ path, text }) =>
    typeof text === 'string' ? [{ path, text: text.toLowerCase() }] : [],
  );
}

function apiKeysOf(client: Placed['entry'], path: string): readonly Placed[] {
  return mappingsIn(client.keys, `${path}.keys`);
}

/** The rules of a key of a client that has an entry of its own. */
function keyFaults({ path, entry: { file, sha256 } }: Placed, isTrial: boolean): Fault[] {
  if ((file === undefined) === (sha256 === undefined)) {
    const got = file === undefined ? 'none' : 'both';
    return [{ path, text: `must have one of file and sha256; got ${got}` }];
  }
  const weak = file instanceof Secret ? apiKeyFault(file.value(), isTrial) : undefined;
  return weak === undefined ? [] : [{ path: `${path}.file`, text: weak }];
}

function unknownApps(apps: readonly Placed[], clients: readonly Placed[]): Fault[] {
  const known = new Set(textsOf(apps, 'name').map(({ text }) => text));
  return clients.flatMap(({ path, entry }) =>
    asList(entry.apps).flatMap((app, at) => {
      if (typeof app !== 'string' || app === '*' || known.has(app)) return [];
      const meant = nearest(app, [...known].filter(isWordLike));
      const hint = meant === undefined ? 'add it to apps or remove it here' : `did you mean ${meant}?`;
      const shown = isWordLike(app) ? JSON.stringify(app) : 'so';
      return [{ path: `${path}.apps[${at}]`, text: `no app is named ${shown}; ${hint}` }];
    }),
  );
}

function serverFaults(server: unknown): Fault[] {
  if (!isMapping(server)) return [];
  const { port, adminPort, tls } = server;
  const isSame = adminPort !== undefined && adminPort === port && port !== 0;
  return [...faultIf(isSame, 'server.adminPort', 'must be another port than server.port'), ...tlsFaults(tls)];
}

/** A client of the gateway has both the scope and a list of calls. */
function gatewayFaults({ path, entry }: Placed): Fault[] {
  const hasScope = asList(entry.scopes).includes('gateway');
  if (hasScope === (entry.gateway !== undefined)) return [];
  const text = hasScope
    ? 'must list what the scope gateway is for: set gateway.allow'
    : 'needs the scope gateway: add it to scopes, or remove this';
  return [{ path: `${path}.gateway`, text }];
}

/** Virtual tokens are sealed with the encryption keys, also where nothing is stored: a key of this process alone would end with it. */
function virtualTokenFaults({ path: client, entry }: Placed, hasKeys: boolean): Fault[] {
  if (entry.virtualTokens !== true) return [];
  const path = `${client}.virtualTokens`;
  const needsKey = `needs an encryption key, which seals them: list one under encryption.keys; ${MAKE_AN_ENCRYPTION_KEY}`;
  const needsScope =
    'needs the scope gateway, because virtual tokens are good for calls through the broker only';
  return [
    ...faultIf(!hasKeys, path, needsKey),
    ...faultIf(!asList(entry.scopes).includes('gateway'), path, needsScope),
  ];
}

/** Two apps that the platform says get in each other's way. */
function conflicts(apps: readonly Placed[]): Fault[] {
  /** By account: among thousands of apps, few have one in common. */
  const earlierOnes = new Map<string, [path: string, app: AppSection][]>();
  return apps.flatMap(({ path, entry: app }) => {
    if (!(app instanceof AppSection)) return [];
    const account = `${app.provider} ${app.appId}`;
    const earlier = earlierOnes.get(account) ?? [];
    earlierOnes.set(account, [...earlier, [path, app]]);
    for (const [pathOfOther, other] of earlier) {
      const conflict = app.conflictWith?.(other, pathOfOther);
      if (conflict) return [{ path: `${path}.${conflict.key}`, text: conflict.text }];
    }
    return [];
  });
}

/** What is wrong with when an app's token is renewed, and whether the broker can do with it. */
export interface AheadFinding {
  readonly isFault: boolean;
  readonly text: string;
}

/**
 * `aheadSeconds`, where the platform gives the same token again until near its end: fetches before that only cost calls.
 * It is a fault where nothing can make the platform give another one. A fetch that renews the token is never too early.
 */
export function aheadFinding(
  aheadSeconds: number,
  { rule, defaults }: Pick<CredentialSpec, 'rule' | 'defaults'>,
): AheadFinding | undefined {
  const { repeats, renewsOnFetch, canForce } = rule;
  if (repeats === 'never' || renewsOnFetch) return undefined;
  const sameUntil = repeats.sameUntilMs / 1000;
  const max = Math.max(sameUntil, defaults.aheadSeconds);
  if (aheadSeconds <= max) return undefined;
  const until = sameUntil === 0 ? 'until its end' : `until ${sameUntil} s of its life are left`;
  const text = `the platform gives the same token ${until}: more than ${max} only costs calls`;
  return { isFault: !canForce, text: canForce ? text : `must be at most ${max}: ${text}` };
}

/** What everybody can read in this repository keeps nobody out. */
function demoKeys(hashes: readonly Place[], encryptionKeys: readonly Placed[]): Fault[] {
  const known = "is a demonstration key that everybody can read in this project's repository";
  return [
    ...hashes.flatMap(({ path, text }) => faultIf(isDemoKeyHash(text), path, `${known}; ${MAKE_A_KEY}`)),
    ...encryptionKeys.flatMap(({ path, entry: { key } }) => {
      const isDemo = key instanceof Secret && isDemoEncryptionKey(key.value());
      return faultIf(isDemo, `${path}.key`, `${known}; ${MAKE_AN_ENCRYPTION_KEY}`);
    }),
  ];
}

function redisFaults(redis: unknown, encryption: unknown): Fault[] {
  const faults: Fault[] = [];
  const add = (path: string, text: string) => faults.push({ path, text });
  if (encryption === undefined) {
    add(
      'encryption',
      'must be set with redis, or tokens would be stored in clear: make a key with `access-token-broker keygen --encryption` ' +
        'and list it under encryption.keys in the file that BROKER_CONFIG names',
    );
  }
  if (!isMapping(redis)) return faults;

  const has = (key: string) => redis[key] !== undefined;
  const servers = ['url', 'sentinels', 'clusterNodes'].filter(has);
  if (servers.length !== 1) {
    const got = servers.length === 0 ? 'none' : servers.join(' and ');
    add('redis', `must have exactly one of url, sentinels and clusterNodes, got ${got}`);
  }
  if (has('sentinels') !== has('name')) {
    add('redis', 'sentinels and name go together: name is what the sentinels call the primary');
  }
  if (!has('sentinels') && (has('sentinelUsername') || has('sentinelPassword'))) {
    add('redis', 'sentinelUsername and sentinelPassword are for sentinels: set sentinels or remove them');
  }
  const url = redis.url instanceof Secret ? parseUrl(redis.url.value()) : null;
  for (const key of ['username', 'password'] as const) {
    if (url?.[key] && has(key)) add(`redis.${key}`, `redis.url has a ${key} as well; remove one of them`);
  }
  return faults;
}

/** Links on which something is sent in clear. They work, but others on the network can read it. */
export function insecureLinks({ apps, redis }: Config): Fault[] {
  const text = 'is http://: the secret of the app and its tokens cross the network in clear; use https://';
  return [
    ...apps.flatMap(({ apiBaseUrl }, index) => {
      const isInClear = apiBaseUrl.startsWith('http:') && !isTrialHost(apiBaseUrl);
      return faultIf(isInClear, `apps[${index}].apiBaseUrl`, text);
    }),
    ...(redis === undefined || redis.isTls ? [] : redisInClear(redis)),
  ];
}

function redisInClear({ server }: RedisSection): Fault[] {
  const [key, hosts] =
    server.kind === 'url'
      ? ['url', [parseUrl(server.url.value())?.hostname ?? '']]
      : server.kind === 'sentinel'
        ? ['sentinels', server.sentinels.map(({ host }) => host)]
        : ['clusterNodes', server.nodes.map(({ host }) => host)];
  const remedy = key === 'url' ? 'rediss:// is TLS' : 'redis.tls turns TLS on';
  const text = `is Redis without TLS: its password crosses the network in clear (tokens are sealed); ${remedy}`;
  return faultIf(!hosts.every((hostname) => isLoopback({ hostname })), `redis.${key}`, text);
}
