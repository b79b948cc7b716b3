import { Optional, SecretText, Section, SectionList, Text, WholeNumber } from '../constraints.js';
import { parseUrl } from '../parse-url.js';
import type { Secret } from '../secret.js';

const HOST = /^[\w.:-]{1,253}$/;
const AT_LEAST_ONE = 'must list at least one host and port';

export class EndpointSection {
  @Text(HOST, 'an address or a host name')
  host!: string;

  @WholeNumber(1, 65535)
  port!: number;
}

export class TlsSection {
  @Optional()
  @SecretText((pem) =>
    pem.includes('-----BEGIN CERTIFICATE-----') ? undefined : 'must be certificates in PEM',
  )
  ca?: Secret;

  @Optional()
  @Text(HOST, 'a host name')
  serverName?: string;
}

/** One of `url`, `sentinels` with `name`, and `clusterNodes`. */
export class RedisSection {
  @Optional()
  @SecretText(checkUrl)
  url?: Secret;

  @Optional()
  @SectionList(() => EndpointSection, AT_LEAST_ONE)
  sentinels?: EndpointSection[];

  /** What the sentinels call the primary. */
  @Optional()
  @Text(/^[\w.-]{1,63}$/, 'the name under which the sentinels know the primary')
  name?: string;

  @Optional()
  @SectionList(() => EndpointSection, AT_LEAST_ONE)
  clusterNodes?: EndpointSection[];

  @Optional()
  @Text(/^\S{1,128}$/, 'a user name')
  username?: string;

  @Optional()
  @SecretText()
  password?: Secret;

  /** Of the sentinels themselves, which know nothing of the primary's users. */
  @Optional()
  @Text(/^\S{1,128}$/, 'a user name')
  sentinelUsername?: string;

  @Optional()
  @SecretText()
  sentinelPassword?: Secret;

  // Braces would move the hash tag of a cluster's keys.
  @Text(/^[^\s{}]{1,64}$/, 'up to 64 characters without spaces and braces')
  keyPrefix = 'tokenbroker:';

  @Optional()
  @Section(() => TlsSection)
  tls?: TlsSection;
}

function checkUrl(text: string): string | undefined {
  const url = parseUrl(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '') {
    return 'must be a URL like redis://user:password@host:6379/0, or rediss:// for TLS';
  }
  if (!/^\/?\d{0,5}$/.test(url.pathname))
    return 'must end with the number of a database, such as /0, or with none';
  if (url.search !== '' || url.hash !== '') return 'must have nothing after the number of the database';
  return isDecodable(url.username) && isDecodable(url.password)
    ? undefined
    : 'must have its user and password percent-encoded: % is %25';
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
