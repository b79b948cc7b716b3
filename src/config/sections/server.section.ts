import { isIP } from 'node:net';
import { Check, Flag, OneOf, Optional, Seconds, Text, WholeNumber } from '../constraints.js';
import { LOG_LEVELS, type LogLevel } from '../config.js';
import { problem } from '../problem.js';

/** Names for well-known ranges that the HTTP server understands. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal'];

export class ServerSection {
  @WholeNumber(0, 65535)
  port = 8080;

  @Optional()
  @Text(/^[\w.:-]{1,253}$/, 'an address or a host name')
  host?: string;

  @OneOf(LOG_LEVELS)
  logLevel: LogLevel = 'info';

  @Flag()
  docs = false;

  @Check(checkTrustProxy, { anyOf: [{ enum: [false] }, { type: 'array', items: { type: 'string' } }] })
  trustProxy: boolean | string[] = false;

  @Seconds({ zero: true, max: 3600 })
  drainSeconds = 0;
}

function checkTrustProxy(value: unknown): string | string[] | undefined {
  if (value === false) return undefined;
  if (value === true) {
    return 'would let every caller say which address it has; list your proxies instead, such as [10.0.0.0/8]';
  }
  if (typeof value === 'number') {
    return 'a number of hops is ignored by the HTTP server; list your proxies instead, such as [10.0.0.0/8]';
  }
  if (!Array.isArray(value)) return problem('false or a list of addresses and CIDRs', value);
  return value.flatMap((entry: unknown, index) =>
    isNetwork(entry) ? [] : [`[${index}]: ${problem('an address or a CIDR, such as 10.0.0.0/8', entry)}`],
  );
}

function isNetwork(entry: unknown): boolean {
  if (typeof entry !== 'string') return false;
  if (RANGES.includes(entry)) return true;
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}
