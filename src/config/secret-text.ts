import { X509Certificate } from 'node:crypto';
import { ReadFault } from './faults.js';
import { decoded, parseUrl } from './values.js';

/** Says what is wrong with the text of a secret, without showing any of it; undefined when nothing is. */
export type SecretForm = (text: string) => string | undefined;

/** What somebody sees. */
export const VISIBLE = /[^\p{C}\p{Zl}\p{Zp}\ufffd]/u;

export interface SecretText {
  readonly text: string;
  /** What stood around it and was dropped, in words; null if nothing did. */
  readonly dropped: string | null;
}

const QUOTES = /^(?:".*"|'.*'|`.*`|“.*”|‘.*’)$/s;
const NAMES: Readonly<Record<string, string>> = {
  '\t': 'a tab',
  '\n': 'a newline',
  '\r': 'a carriage return',
  ' ': 'a space',
  '\u00a0': 'a no-break space',
  '\u00ad': 'a soft hyphen',
  '\u200b': 'a zero-width space',
  '\u200c': 'a zero-width non-joiner',
  '\u200d': 'a zero-width joiner',
  '\u2060': 'a word joiner',
  '\u3000': 'an ideographic space',
  '\ufeff': 'a byte order mark',
  '\ufffd': 'a replacement character, so the text was not valid UTF-8',
};
const KINDS: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [/\p{Cs}/u, 'half of a surrogate pair'],
  [/\p{Cc}/u, 'a control character'],
  [/\p{C}/u, 'an invisible character'],
  [/\p{Z}/u, 'white space'],
  [/["'`“”‘’«»]/u, 'a quotation mark'],
  [/\p{L}/u, 'another letter'],
  [/\p{N}/u, 'another digit'],
];

/**
 * The rule for the text of every secret, wherever it comes from: white space, a byte order mark and line ends around it
 * are dropped, what is left must have the form. The newline at the end of a file, which editors add, is no news.
 */
export function readSecretText(raw: string, form: SecretForm): SecretText | ReadFault {
  const text = raw.trim();
  if (text === '') return new ReadFault('is empty');
  const fault = oddCharacter(text, /[^\p{Cs}]/u) ?? form(text);
  return fault === undefined ? { text, dropped: droppedFrom(raw, text) } : new ReadFault(fault);
}

/** Names the first character that is not `allowed` by position and kind. */
export function oddCharacter(text: string, allowed: RegExp): string | undefined {
  const characters = Array.from(text);
  const at = characters.findIndex((character) => !allowed.test(character));
  return at < 0 ? undefined : `character ${at + 1} is ${kindOf(characters[at] ?? '')}`;
}

/** A warning for what was dropped around a secret. */
export function droppedText(dropped: string): string {
  return `ignored ${dropped}; take that out where the secret is kept`;
}

export function isInQuotes(text: string): boolean {
  return QUOTES.test(text);
}

function kindOf(character: string): string {
  return (
    NAMES[character] ??
    KINDS.find(([pattern]) => pattern.test(character))?.[1] ??
    'a punctuation mark or symbol'
  );
}

function droppedFrom(raw: string, text: string): string | null {
  // A text of several lines, as a certificate is, ends with a newline.
  if (raw === text || raw === `${text}\n` || text.includes('\n')) return null;
  const start = raw.indexOf(text);
  const parts = [
    [raw.slice(0, start), 'before'],
    [raw.slice(start + text.length), 'after'],
  ] as const;
  return parts
    .filter(([around]) => around !== '')
    .map(([around, where]) => `${[...new Set(Array.from(around, kindOf))].join(' and ')} ${where} it`)
    .join(', ');
}

/** Anything that a person may choose, without characters that nobody sees. */
export function passwordForm(text: string): string | undefined {
  const odd = oddCharacter(text, VISIBLE);
  return odd && `must be visible characters on one line: ${odd}`;
}

/**
 * What is wrong with a URL that may have a user and a password, without any of it; undefined when nothing is.
 *
 * @param faultOf what is wrong with all but the login; it is given null for what is no URL
 * @param passwordKey the key that takes the password on its own
 */
export function urlWithLoginFault(
  text: string,
  faultOf: (url: URL | null) => string | undefined,
  passwordKey: string,
): string | undefined {
  const odd = oddCharacter(text, VISIBLE);
  if (odd !== undefined) return `must be a URL of visible characters: ${odd}`;
  const url = parseUrl(text);
  const fault = faultOf(url) ?? loginFault(url);
  if (fault === undefined) return undefined;
  const login = /^\w+:\/\/(.*)@/s.exec(text)?.[1] ?? '';
  return /[#/?@]/.test(login)
    ? `${fault}; # / ? and @ in a user or password must be percent-encoded (%23 %2F %3F %40), or give the password as ${passwordKey}`
    : fault;
}

function loginFault(url: URL | null): string | undefined {
  return decoded(url?.username ?? '') === null || decoded(url?.password ?? '') === null
    ? 'must have its user and password percent-encoded: % is %25'
    : undefined;
}

/** What HTTP takes as the value of a header. */
export function headerForm(text: string): string | undefined {
  const odd = oddCharacter(text, /[\x20-\x7e]/);
  return odd && `must be visible ASCII characters on one line: ${odd}`;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|$)/gs;

/** One or more certificates in PEM, all of which can be read. */
export function certificatesForm(text: string): string | undefined {
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) return 'must be certificates in PEM';
  const wrong = certificates.findIndex((pem) => !isCertificate(pem));
  return wrong < 0 ? undefined : `must be certificates in PEM: certificate ${wrong + 1} cannot be read`;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
