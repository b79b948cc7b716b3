import { randomBytes } from 'node:crypto';

/** The request id that ends every errmsg: three groups of eight hex digits, the first of them the Unix time in seconds. */
export function rid(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(8, '0');
  return [seconds, randomBytes(4).toString('hex'), randomBytes(4).toString('hex')].join('-');
}
