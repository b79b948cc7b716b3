import type { Fault } from './config-error.js';
import { asList, isMapping } from './mapping.js';
import { nearest } from './nearest.js';
import type { ConfigFile } from './sections/config-file.section.js';

/** The rules between sections. Runs whether or not the sections are right, so it takes nothing for granted. */
export function crossChecks(file: ConfigFile): Fault[] {
  const { apps, clients, redis, encryption }: Partial<Record<keyof ConfigFile, unknown>> = file;
  const keys = isMapping(encryption) ? encryption.keys : undefined;
  return [
    ...duplicates(textsOf(apps, 'apps', 'name')),
    ...duplicates(textsOf(clients, 'clients', 'name')),
    ...duplicates(textsOf(keys, 'encryption.keys', 'id')),
    ...duplicates(hashes(clients)),
    ...unknownApps(apps, clients),
    ...(redis === undefined ? [] : redisFaults(redis, encryption)),
  ];
}

interface Place {
  readonly path: string;
  readonly text: string;
}

function textsOf(list: unknown, path: string, key: string): Place[] {
  return asList(list).flatMap((entry, index) => {
    const text = isMapping(entry) ? entry[key] : undefined;
    return typeof text === 'string' ? [{ path: `${path}[${index}].${key}`, text }] : [];
  });
}

function hashes(clients: unknown): Place[] {
  return asList(clients).flatMap((client, index) =>
    asList(isMapping(client) ? client.keySha256 : undefined).flatMap((hash, at) =>
      typeof hash === 'string'
        ? [{ path: `clients[${index}].keySha256[${at}]`, text: hash.toLowerCase() }]
        : [],
    ),
  );
}

function duplicates(places: readonly Place[]): Fault[] {
  const first = new Map<string, string>();
  return places.flatMap(({ path, text }) => {
    const earlier = first.get(text);
    if (earlier !== undefined) return [{ path, text: `is the same as ${earlier}; it must be its own` }];
    first.set(text, path);
    return [];
  });
}

function unknownApps(apps: unknown, clients: unknown): Fault[] {
  const known = textsOf(apps, 'apps', 'name').map(({ text }) => text);
  return asList(clients).flatMap((client, index) =>
    asList(isMapping(client) ? client.apps : undefined).flatMap((app, at) => {
      if (typeof app !== 'string' || app === '*' || known.includes(app)) return [];
      const meant = nearest(app, known);
      const hint = meant === undefined ? 'add it to apps or remove it here' : `did you mean ${meant}?`;
      return [
        {
          path: `clients[${index}].apps[${at}]`,
          text: `no app is named ${JSON.stringify(app.slice(0, 63))}; ${hint}`,
        },
      ];
    }),
  );
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
  if (has('url') && (has('username') || has('password'))) {
    add('redis.url', 'carries user and password itself; remove redis.username and redis.password');
  }
  return faults;
}
