import { parseUrl } from './parse-url.js';
import { isInQuotes, oddCharacter, type SecretForm } from './secret-text.js';

export const MAKE_AN_ENCRYPTION_KEY = '`access-token-broker keygen --encryption` makes one';
const VISIBLE = /[^\p{C}\p{Zl}\p{Zp}\ufffd]/u;
/** In demo/two-replicas.yaml. */
const DEMO_ENCRYPTION_KEY = 'Zm9yIHRyeWluZyBpdCBvdXQsIG5vdCBmb3IgdXNlISE=';

/** 32 bytes are 43 characters of base64 and one of padding. */
export const encryptionKeyForm: SecretForm = (text) => {
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return undefined;
  const odd = oddCharacter(text, /[A-Za-z0-9+/=]/);
  const what = isInQuotes(text) ? 'the text is in quotes: remove them' : odd;
  return `must be 32 bytes in base64; ${what ? `${what}; ` : ''}${MAKE_AN_ENCRYPTION_KEY}`;
};

/** Whatever a person may choose, but for characters that nobody sees. */
export const passwordForm: SecretForm = (text) => {
  const odd = oddCharacter(text, VISIBLE);
  return odd && `must be visible characters on one line: ${odd}`;
};

export const certificatesForm: SecretForm = (text) =>
  text.includes('-----BEGIN CERTIFICATE-----') ? undefined : 'must be certificates in PEM';

/** What HTTP takes as the value of a header. */
export const headerForm: SecretForm = (text) => {
  const odd = oddCharacter(text, /[\x20-\x7e]/);
  return odd && `must be visible ASCII characters on one line: ${odd}`;
};

export const redisUrlForm: SecretForm = (text) => {
  const odd = oddCharacter(text, VISIBLE);
  if (odd !== undefined) return `must be a URL of visible characters: ${odd}`;
  const fault = redisUrlFault(text);
  if (fault === undefined) return undefined;
  const login = /^\w+:\/\/(.*)@/s.exec(text)?.[1] ?? '';
  return /[#/?@]/.test(login)
    ? `${fault}; # / ? and @ in a user or password must be percent-encoded (%23 %2F %3F %40), or give the password as redis.password`
    : fault;
};

function redisUrlFault(text: string): string | undefined {
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

export function isDemoEncryptionKey(text: string): boolean {
  return text === DEMO_ENCRYPTION_KEY;
}
