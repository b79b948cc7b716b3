import { isMapping, mappings } from './mapping.js';
import type { ConfigFile } from './sections/config-file.section.js';

/**
 * Puts in the place of each secret's source what `read` makes of it, for the validation to judge. Runs before the
 * validation, so the shape of `file` may be anything.
 */
export function resolveSecrets(file: ConfigFile, read: (source: unknown) => unknown): void {
  for (const app of mappings(file.apps)) app.appSecret = read(app.appSecret);

  const encryption: unknown = file.encryption;
  if (isMapping(encryption)) {
    for (const key of mappings(encryption.keys)) key.key = read(key.key);
  }

  const redis: unknown = file.redis;
  if (isMapping(redis)) {
    readIfSet(redis, 'url', read);
    readIfSet(redis, 'password', read);
    readIfSet(redis, 'sentinelPassword', read);
    if (isMapping(redis.tls)) readIfSet(redis.tls, 'ca', read);
  }

  const tracing: unknown = file.tracing;
  if (isMapping(tracing) && isMapping(tracing.headers)) {
    for (const name of Object.keys(tracing.headers)) readIfSet(tracing.headers, name, read);
  }
}

function readIfSet(holder: Record<string, unknown>, key: string, read: (source: unknown) => unknown): void {
  if (holder[key] !== undefined) holder[key] = read(holder[key]);
}
