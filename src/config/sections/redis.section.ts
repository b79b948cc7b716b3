import { Optional, SecretText, Section, SectionList, Text, WholeNumber } from '../constraints.js';
import type { Secret } from '../secret.js';
import { certificatesForm, passwordForm, redisUrlForm } from '../secret-forms.js';

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
  @SecretText(certificatesForm)
  ca?: Secret;

  @Optional()
  @Text(HOST, 'a host name')
  serverName?: string;
}

/** One of `url`, `sentinels` with `name`, and `clusterNodes`. */
export class RedisSection {
  @Optional()
  @SecretText(redisUrlForm)
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
  @SecretText(passwordForm)
  password?: Secret;

  /** Of the sentinels themselves, which know nothing of the primary's users. */
  @Optional()
  @Text(/^\S{1,128}$/, 'a user name')
  sentinelUsername?: string;

  @Optional()
  @SecretText(passwordForm)
  sentinelPassword?: Secret;

  // Braces would move the hash tag of a cluster's keys.
  @Text(/^[^\s{}]{1,64}$/, 'up to 64 characters without spaces and braces')
  keyPrefix = 'tokenbroker:';

  @Optional()
  @Section(() => TlsSection)
  tls?: TlsSection;
}
