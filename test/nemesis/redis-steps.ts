import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The list of changes, under the prefix that a broker has by default. */
export const CHANGES_KEY = 'tokenbroker:changes';

/** A step of the refresh protocol that stores something in Redis. */
export type RedisStep = 'begin' | 'commit' | 'abort' | 'reconcile';

/** Tells the requests to Redis that store the outcome of this step: swap.lua, whose last argument names it. */
export function isStep(step: RedisStep): (bytes: Buffer) => boolean {
  const isSwap = isScript('swap');
  const name = `\r\n$${String(step.length)}\r\n${step}\r\n`;
  return (bytes) => bytes.includes(name) && isSwap(bytes);
}

/** Tells the requests to Redis that run this script, by its hash or text. */
export function isScript(script: 'swap' | 'note' | 'changes'): (bytes: Buffer) => boolean {
  const text = textOf(script);
  const hash = createHash('sha1')
    .update(`${textOf('prelude')}\n${text}`)
    .digest('hex');
  return (bytes) => bytes.includes(hash) || bytes.includes(text);
}

function textOf(script: string): string {
  const path = new URL(`../../dist/storage/redis/scripts/${script}.lua`, import.meta.url);
  return readFileSync(fileURLToPath(path), 'utf8');
}
