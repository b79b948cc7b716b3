import { isIP } from 'node:net';
import { problem, type Fault } from './faults.js';
import {
  About,
  Check,
  checkEntries,
  Flag,
  FromVariable,
  InChart,
  OneOf,
  Optional,
  Seconds,
  Section,
  Text,
  WholeNumber,
  SecretText,
} from './keys.js';
import { HOST } from './redis.section.js';
import { createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { Secret } from './secret.js';
import { certificatesForm } from './secret-text.js';
import { isMapping } from './values.js';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
/** Names for well-known ranges that the HTTP server understands. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal'];

/** HTTPS, TLS 1.2 and 1.3. */
export class ServerTlsSection {
  @About('the certificate of the server and those between it and its authority, in PEM; its own first')
  @SecretText(certificatesForm)
  readonly cert!: Secret;

  @About('the private key of the certificate, in PEM, without a passphrase')
  @SecretText(privateKeyForm)
  readonly key!: Secret;

  @About(
    "the authority of callers' certificates, in PEM: a certificate of it makes a caller that `clients[].certificates` names. Callers without one need a key or a JWT as ever",
  )
  @Optional()
  @SecretText(certificatesForm)
  readonly clientCa?: Secret;
}

export class ServerSection {
  @About('port to listen on')
  @WholeNumber(0, 65535)
  // A user without capabilities may not listen below 1024, and a Service needs a port that is known.
  @InChart({ type: 'integer', minimum: 1024, maximum: 65535 })
  @FromVariable('PORT', 'wins')
  readonly port: number = 8080;

  @About(
    'a port of its own for `/metrics`, for [the console](console.md), and for `/health/live` and `/health/ready` with the names of apps. `port` then answers probes without names, and neither of the others. Left out: `port` has all of it',
  )
  @Optional()
  @WholeNumber(0, 65535)
  @InChart({ type: 'integer', minimum: 1024, maximum: 65535 })
  readonly adminPort?: number;

  @About(
    'address to listen on; left out: all, IPv6 and IPv4 (`::`, or `0.0.0.0` where the kernel has no IPv6)',
  )
  @Optional()
  @Text(HOST, 'an address or a host name')
  @FromVariable('HOST', 'wins')
  readonly host?: string;

  @About(LOG_LEVELS.join(', '))
  @OneOf(LOG_LEVELS)
  @FromVariable('LOG_LEVEL', 'wins')
  readonly logLevel: (typeof LOG_LEVELS)[number] = 'info';

  @About('OpenAPI under `/docs`')
  @Flag()
  readonly docs: boolean = false;

  @About(
    'whose `X-Forwarded-For` is believed, for the addresses in the audit: false or a list of addresses and CIDRs',
  )
  @Check(checkTrustProxy, { anyOf: [{ enum: [false] }, { type: 'array', items: { type: 'string' } }] })
  @InChart({
    anyOf: [
      { const: false },
      {
        type: 'array',
        minItems: 1,
        items: { type: 'string', pattern: `^(${RANGES.join('|')}|[0-9A-Fa-f.:]+(/[0-9]{1,3})?)$` },
      },
    ],
  })
  readonly trustProxy: false | readonly string[] = false;

  @About(
    'after SIGTERM: how long it still serves and renews, not ready any more, until load balancers have noticed; 0 with the chart, whose preStop sleep is that wait',
  )
  @Seconds({ zero: true, max: 3600 })
  readonly drainSeconds: number = 0;

  /** Left out: HTTP. */
  @Optional()
  @Section(() => ServerTlsSection)
  readonly tls?: ServerTlsSection;
}

function checkTrustProxy(value: unknown): string | readonly string[] | undefined {
  if (value === false) return undefined;
  if (value === true) {
    return 'would let every caller say which address it has; list your proxies instead, such as [10.0.0.0/8]';
  }
  if (typeof value === 'number') {
    return 'a number of hops is ignored by the HTTP server; list your proxies instead, such as [10.0.0.0/8]';
  }
  if (!Array.isArray(value)) return problem('false or a list of addresses and CIDRs', value);
  return checkEntries(value, (entry) =>
    isNetwork(entry) ? undefined : problem('an address or a CIDR, such as 10.0.0.0/8', entry),
  );
}

function isNetwork(entry: unknown): boolean {
  if (typeof entry !== 'string') return false;
  if (RANGES.includes(entry)) return true;
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}

function privateKeyForm(text: string): string | undefined {
  if (/-----BEGIN (?:[A-Z]+ )*ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) {
    return 'must have no passphrase: the broker has nobody to ask for it';
  }
  try {
    createPrivateKey(text);
    return undefined;
  } catch {
    return 'must be a private key in PEM';
  }
}

/** Whether certificate and key belong together. */
export function tlsFaults(tls: unknown): Fault[] {
  if (!isMapping(tls) || !(tls.cert instanceof Secret) || !(tls.key instanceof Secret)) return [];
  try {
    createSecureContext({ cert: tls.cert.value(), key: tls.key.value() });
    return [];
  } catch {
    return [{ path: 'server.tls.key', text: 'does not belong to the certificate in server.tls.cert' }];
  }
}
