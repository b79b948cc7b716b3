import {
  About,
  InChart,
  Optional,
  SecretText,
  Section,
  SectionList,
  Text,
  WholeNumber,
  FromVariable,
} from './keys.js';
import { Secret } from './secret.js';
import {
  certificatesForm,
  isInQuotes,
  oddCharacter,
  passwordForm,
  urlWithLoginFault,
} from './secret-text.js';

export const HOST = /^[\w.:-]{1,253}$/;
const AT_LEAST_ONE = 'must list at least one host and port';
export const MAKE_AN_ENCRYPTION_KEY = '`access-token-broker keygen --encryption` makes one';
/** In demo/two-replicas.yaml. */
const DEMO_ENCRYPTION_KEY = 'Zm9yIHRyeWluZyBpdCBvdXQsIG5vdCBmb3IgdXNlISE=';

export class EndpointSection {
  @About('an address or a host name')
  @Text(HOST, 'an address or a host name')
  readonly host!: string;

  @About('the port')
  @WholeNumber(1, 65535)
  readonly port!: number;
}

export class TlsSection {
  @About('a private authority, in PEM. `tls: {}` alone turns TLS on for sentinels and cluster nodes')
  @Optional()
  @SecretText(certificatesForm)
  @InChart({ type: 'string', pattern: '-----BEGIN CERTIFICATE-----' })
  readonly ca?: Secret;

  @About("the name in the server's certificate, where it is not the host's")
  @Optional()
  @Text(HOST, 'a host name')
  readonly serverName?: string;
}

/** Where Redis is: at a URL with its login, behind sentinels, or a cluster. */
export type RedisServer =
  | { readonly kind: 'url'; readonly url: Secret }
  | { readonly kind: 'sentinel'; readonly sentinels: readonly EndpointSection[]; readonly name: string }
  | { readonly kind: 'cluster'; readonly nodes: readonly EndpointSection[] };

/** One of `url`, `sentinels` with `name`, and `clusterNodes`. */
export class RedisSection {
  @About(
    '`redis://user:password@host:6379/0`, `rediss://` for TLS. `#` `/` `?` `@` in a password: percent-encode them, or give it as `redis.password`',
  )
  @Optional()
  @SecretText(redisUrlForm)
  // Without a password, which might stand behind ? as well.
  @InChart({ type: 'string', pattern: '^rediss?://[^@?#/\\s]+(/[0-9]{0,5})?$' })
  @FromVariable('REDIS_URL', 'wins')
  readonly url?: Secret;

  @About('`{ host, port }` each; instead of `url`')
  @Optional()
  @SectionList(() => EndpointSection, AT_LEAST_ONE)
  readonly sentinels?: readonly EndpointSection[];

  @About('what the sentinels call the primary')
  @Optional()
  @Text(/^[\w.-]{1,63}$/, 'the name under which the sentinels know the primary')
  readonly name?: string;

  @About('`{ host, port }` each; instead of `url`')
  @Optional()
  @SectionList(() => EndpointSection, AT_LEAST_ONE)
  readonly clusterNodes?: readonly EndpointSection[];

  @About('for the URL, if it has none; for the primary behind sentinels; for cluster nodes')
  @Optional()
  @Text(/^\S{1,128}$/, 'a user name')
  readonly username?: string;

  @About('likewise')
  @Optional()
  @SecretText(passwordForm)
  readonly password?: Secret;

  @About('for the sentinels themselves, if they ask for it')
  @Optional()
  @Text(/^\S{1,128}$/, 'a user name')
  readonly sentinelUsername?: string;

  @About('likewise')
  @Optional()
  @SecretText(passwordForm)
  readonly sentinelPassword?: Secret;

  // Braces would move the hash tag of a cluster's keys.
  @About('what all keys in Redis begin with')
  @Text(/^[^\s{}]{1,64}$/, 'up to 64 characters without spaces and braces')
  readonly keyPrefix: string = 'tokenbroker:';

  @Optional()
  @Section(() => TlsSection)
  readonly tls?: TlsSection;

  get server(): RedisServer {
    const { url, sentinels, name, clusterNodes = [] } = this;
    if (url !== undefined) return { kind: 'url', url: withLogin(url, this) };
    if (sentinels !== undefined && name !== undefined) return { kind: 'sentinel', sentinels, name };
    return { kind: 'cluster', nodes: clusterNodes };
  }

  get isTls(): boolean {
    return this.tls !== undefined || this.url?.value().startsWith('rediss:') === true;
  }
}

export class EncryptionKeySection {
  @About('names the key in what it seals')
  @Text(/^[\w.-]{1,32}$/, 'up to 32 letters, digits, dots, dashes and underscores')
  readonly id!: string;

  @About(
    '32 bytes in base64; required with redis. The first key seals, all of them open: so keys are rotated',
  )
  @SecretText(encryptionKeyForm)
  readonly key!: Secret;
}

export class EncryptionSection {
  @SectionList(() => EncryptionKeySection, `must list at least one key; ${MAKE_AN_ENCRYPTION_KEY}`)
  readonly keys!: readonly EncryptionKeySection[];
}

/** The URL with the user and password that stand beside it. */
function withLogin(url: Secret, { username, password }: RedisSection): Secret {
  if (username === undefined && password === undefined) return url;
  const whole = new URL(url.value());
  if (username !== undefined) whole.username = encodeURIComponent(username);
  if (password !== undefined) whole.password = encodeURIComponent(password.value());
  return Secret.of(whole.href);
}

/** 32 bytes are 43 characters of base64 and one of padding. */
function encryptionKeyForm(text: string): string | undefined {
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  const odd = oddCharacter(text, /[A-Za-z0-9+/=]/);
  const what = isInQuotes(text) ? 'the text is in quotes: remove them' : odd;
  return `must be 32 bytes in base64; ${what ? `${what}; ` : ''}${MAKE_AN_ENCRYPTION_KEY}`;
}

export function isDemoEncryptionKey(text: string): boolean {
  return text === DEMO_ENCRYPTION_KEY;
}

function redisUrlForm(text: string): string | undefined {
  return urlWithLoginFault(text, redisUrlFault, 'redis.password');
}

function redisUrlFault(url: URL | null): string | undefined {
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    return 'must be a URL like redis://user:password@host:6379/0, or rediss:// for TLS';
  }
  if (!/^\/?\d{0,5}$/.test(url.pathname)) {
    return 'must end with the number of a database, such as /0, or with none';
  }
  if (url.search !== '' || url.hash !== '') return 'must have nothing after the number of the database';
  return undefined;
}
