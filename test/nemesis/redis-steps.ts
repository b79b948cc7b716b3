import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A step of the refresh protocol that stores something in Redis. */
export type RedisStep = 'begin' | 'commit' | 'abort' | 'reconcile';

/** Tells the requests to Redis that store the outcome of this step: swap.lua, by its hash or text, whose last argument names it. */
export function isStep(step: RedisStep): (bytes: Buffer) => boolean {
  const text = textOf('swap');
  const hash = createHash('sha1')
    .update(`${textOf('prelude')}\n${text}`)
    .digest('hex');
  const name = `\r\n$${String(step.length)}\r\n${step}\r\n`;
  return (bytes) => bytes.includes(name) && (bytes.includes(hash) || bytes.includes(text));
}

function textOf(script: string): string {
  const path = new URL(`../../dist/storage/redis/scripts/${script}.lua`, import.meta.url);
  return readFileSync(fileURLToPath(path), 'utf8');
}
