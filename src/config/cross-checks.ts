import { apiKeyFault, isDemoKeyHash, MAKE_A_KEY, sha256Hex } from './api-key.js';
import type { CredentialSpec } from '../platforms/platform.js';
import { AppSection } from './app.section.js';
import type { Config } from './config.js';
import { egressFaults } from './egress.section.js';
import { duplicates, isWordLike, type Fault, type Place } from './faults.js';
import { certificateFaults, identityFaults } from './identities.section.js';
import { isDemoEncryptionKey, MAKE_AN_ENCRYPTION_KEY, type RedisSection } from './redis.section.js';
import { Secret } from './secret.js';
import { tlsFaults } from './server.section.js';
import { asList, isMapping, isTrialHost, nearest, parseUrl, isLoopback } from './values.js';

/** The rules between sections. Runs whether or not the sections are right, so it takes nothing for granted. */
export function crossChecks(config: Config): Fault[] {
  const {
    apps,
    clients,
    redis,
    encryption,
    identities,
    egress,
    server,
  }: Partial<Record<keyof Config, unknown>> = config;
  const keys = isMapping(encryption) ? encryption.keys : undefined;
  return [
    ...duplicates(textsOf(apps, 'apps', 'name')),
    ...duplicates(textsOf(clients, 'clients', 'name')),
    ...duplicates(textsOf(keys, 'encryption.keys', 'id')),
    ...duplicates(hashes(clients)),
    ...conflicts(asList(apps)),
    ...demoKeys(asList(apps), clients, keys),
    ...unknownApps(apps, clients),
    ...serverFaults(server),
    ...identityFaults(identities, clients),
    ...certificateFaults(clients, server),
    ...asList(clients).flatMap((client, index) => keyFaults(client, index, isTrial(asList(apps)))),
    ...asList(clients).flatMap(gatewayFaults),
    ...asList(clients).flatMap((client, index) =>
      virtualTokenFaults(client, index, encryption !== undefined),
    ),
    ...[{ path: 'egress', egress }, ...asList(apps).map(egressOfApp)].flatMap(faultsOfEgress),
    ...(redis === undefined ? [] : redisFaults(redis, encryption)),
  ];
}

function textsOf(list: unknown, path: string, key: string): Place[] {
  return asList(list).flatMap((entry, index) => {
    const text = isMapping(entry) ? entry[key] : undefined;
    return typeof text === 'string' ? [{ path: `${path}[${index}].${key}`, text }] : [];
  });
}

/** The SHA-256 of each API key, and the place where the key is written. */
function hashes(clients: unknown): Place[] {
  return asList(clients).flatMap((client, index) => {
    if (!isMapping(client)) return [];
    const path = `clients[${index}]`;
    return [
      ...asList(client.keySha256).map((hash, at) => ({ path: `${path}.keySha256[${at}]`, text: hash })),
      ...asList(client.keys).flatMap((key, at) => {
        if (!isMapping(key)) return [];
        const { file, sha256 } = key;
        return [
          { path: `${path}.keys[${at}].sha256`, text: sha256 },
          { path: `${path}.keys[${at}].file`, text: file instanceof Secret ? sha256Hex(file.value()) : null },
        ];
      }),
    ].flatMap(({ path: at, text }) =>
      typeof text === 'string' ? [{ path: at, text: text.toLowerCase() }] : [],
    );
  });
}

/** The rules of the keys of a client that have an entry each. */
function keyFaults(client: unknown, index: number, isTrial: boolean): Fault[] {
  return asList(isMapping(client) ? client.keys : undefined).flatMap((key, at): Fault[] => {
    if (!isMapping(key)) return [];
    const path = `clients[${index}].keys[${at}]`;
    const { file, sha256 } = key;
    if ((file === undefined) === (sha256 === undefined)) {
      const got = file === undefined ? 'none' : 'both';
      return [{ path, text: `must have one of file and sha256; got ${got}` }];
    }
    const weak = file instanceof Secret ? apiKeyFault(file.value(), isTrial) : undefined;
    return weak === undefined ? [] : [{ path: `${path}.file`, text: weak }];
  });
}

function unknownApps(apps: unknown, clients: unknown): Fault[] {
  const known = new Set(textsOf(apps, 'apps', 'name').map(({ text }) => text));
  return asList(clients).flatMap((client, index) =>
    asList(isMapping(client) ? client.apps : undefined).flatMap((app, at) => {
      if (typeof app !== 'string' || app === '*' || known.has(app)) return [];
      const meant = nearest(app, [...known].filter(isWordLike));
      const hint = meant === undefined ? 'add it to apps or remove it here' : `did you mean ${meant}?`;
      const shown = isWordLike(app) ? JSON.stringify(app) : 'so';
      return [{ path: `clients[${index}].apps[${at}]`, text: `no app is named ${shown}; ${hint}` }];
    }),
  );
}

function serverFaults(server: unknown): Fault[] {
  if (!isMapping(server)) return [];
  const { port, adminPort, tls } = server;
  const isSame = adminPort !== undefined && adminPort === port && port !== 0;
  return [
    ...(isSame ? [{ path: 'server.adminPort', text: 'must be another port than server.port' }] : []),
    ...tlsFaults(tls),
  ];
}

/** A client of the gateway has both the scope and a list of calls. */
function gatewayFaults(client: unknown, index: number): Fault[] {
  if (!isMapping(client)) return [];
  const path = `clients[${index}]`;
  const hasScope = asList(client.scopes).includes('gateway');
  const lists = client.gateway !== undefined;
  if (hasScope && !lists) {
    return [{ path: `${path}.gateway`, text: 'must list what the scope gateway is for: set gateway.allow' }];
  }
  if (hasScope || !lists) return [];
  return [{ path: `${path}.gateway`, text: 'needs the scope gateway: add it to scopes, or remove this' }];
}

interface PlacedEgress {
  readonly path: string;
  readonly egress: unknown;
}

function egressOfApp(app: unknown, index: number): PlacedEgress {
  return { path: `apps[${index}].egress`, egress: isMapping(app) ? app.egress : undefined };
}

function faultsOfEgress({ path, egress }: PlacedEgress): Fault[] {
  if (!isMapping(egress)) return [];
  return egressFaults(egress).map(({ key, text }) => ({ path: `${path}.${key}`, text }));
}

/** Virtual tokens are sealed with the encryption keys, also where nothing is stored: a key of this process alone would end with it. */
function virtualTokenFaults(client: unknown, index: number, hasKeys: boolean): Fault[] {
  if (!isMapping(client) || client.virtualTokens !== true) return [];
  const path = `clients[${index}].virtualTokens`;
  const faults: Fault[] = [];
  if (!hasKeys) {
    faults.push({
      path,
      text: `needs an encryption key, which seals them: list one under encryption.keys; ${MAKE_AN_ENCRYPTION_KEY}`,
    });
  }
  if (!asList(client.scopes).includes('gateway')) {
    faults.push({
      path,
      text: 'needs the scope gateway, because virtual tokens are good for calls through the broker only',
    });
  }
  return faults;
}

/** Two apps that the platform says get in each other's way. */
function conflicts(apps: readonly unknown[]): Fault[] {
  /** By account: among thousands of apps, few have one in common. */
  const earlierOnes = new Map<string, [path: string, app: AppSection][]>();
  return apps.flatMap((app, index) => {
    if (!(app instanceof AppSection)) return [];
    const account = `${app.provider} ${app.appId}`;
    const earlier = earlierOnes.get(account) ?? [];
    earlierOnes.set(account, [...earlier, [`apps[${index}]`, app]]);
    for (const [path, other] of earlier) {
      const conflict = app.conflictWith?.(other, path);
      if (conflict) return [{ path: `apps[${index}].${conflict.key}`, text: conflict.text }];
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

function isTrial(apps: readonly unknown[]): boolean {
  return apps.every((app) => isMapping(app) && isTrialHost(app.apiBaseUrl));
}

/** What everybody can read in this repository keeps nobody out, unless all is a trial. */
function demoKeys(apps: readonly unknown[], clients: unknown, keys: unknown): Fault[] {
  if (isTrial(apps)) return [];
  const known = "is a demonstration key that everybody can read in this project's repository";
  return [
    ...hashes(clients).flatMap(({ path, text }) =>
      isDemoKeyHash(text) ? [{ path, text: `${known}; ${MAKE_A_KEY}` }] : [],
    ),
    ...asList(keys).flatMap((entry, index) =>
      isMapping(entry) && entry.key instanceof Secret && isDemoEncryptionKey(entry.key.value())
        ? [{ path: `encryption.keys[${index}].key`, text: `${known}; ${MAKE_AN_ENCRYPTION_KEY}` }]
        : [],
    ),
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
  return [
    ...apps.flatMap(({ apiBaseUrl }, index) =>
      apiBaseUrl.startsWith('http:') && !isTrialHost(apiBaseUrl)
        ? [
            {
              path: `apps[${index}].apiBaseUrl`,
              text: 'is http://: the secret of the app and its tokens cross the network in clear; use https://',
            },
          ]
        : [],
    ),
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
  if (hosts.every((hostname) => isLoopback({ hostname }))) return [];
  const remedy = key === 'url' ? 'rediss:// is TLS' : 'redis.tls turns TLS on';
  const text = `is Redis without TLS: its password crosses the network in clear (tokens are sealed); ${remedy}`;
  return [{ path: `redis.${key}`, text }];
}
