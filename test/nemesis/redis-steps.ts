import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A step of the refresh protocol that is one script in Redis. */
export type RedisStep = 'begin' | 'commit' | 'abort' | 'reconcile';

/** Tells the requests to Redis that take this step, by the script's hash, or by its text the first time. */
export function isStep(step: RedisStep): (bytes: Buffer) => boolean {
  const text = textOf(step);
  const hash = createHash('sha1')
    .update(`${textOf('prelude')}\n${text}`)
    .digest('hex');
  return (bytes) => bytes.includes(hash) || bytes.includes(text);
}

function textOf(script: string): string {
  const path = new URL(`../../dist/backends/redis/scripts/${script}.lua`, import.meta.url);
  return readFileSync(fileURLToPath(path), 'utf8');
}
