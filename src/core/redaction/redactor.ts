import type { AppName } from '../token.js';

const HIDDEN = '[redacted]';
/** Shorter values would hide ordinary words. */
const MIN_SECRET_LENGTH = 8;
/** What no URL and no JSON writes in another way: nearly all tokens, of which there are thousands. */
const UNESCAPED = /^[\w.-]*$/;
/** Configured secrets are hidden in forms that are rare as well. Tokens, which are longer, are so many that this would take too much memory. */
const MAX_SECRET_IN_RARE_FORMS = 64;
/** What this broker's API keys, sessions, tickets and virtual tokens look like, whoever they belong to. */
const OUR_OWN = /\btb[kstv]_[A-Za-z0-9_-]{16,}/;

/**
 * A rolling hash over this many characters finds the places where a secret may end, however many secrets there are. By their
 * ends, because many begin alike: all JWTs do.
 */
const WINDOW = MIN_SECRET_LENGTH;
/** Of so many ASCII characters the base64 is longer than the window, wherever it begins in what was encoded. */
const TAIL = 12;
const { imul } = Math;
const BASE = 0x01000193;
const BASE_TO_THE_WINDOW = power(BASE, WINDOW);

/** Takes secrets out of text by their value: as they are, URL-encoded, or inside of base64; short ones also in the other case, in hex and in character references. Takes as long for one secret as for thousands. */
export class Redactor {
  /** The secret, or all of them, with a form that ends in characters of this hash. The forms, which take kilobytes, are made when one is met. */
  private readonly byEnding = new Map<number, string | readonly string[]>();
  private readonly holders = new Map<string, number>();
  private readonly shapes: RegExp;

  /** @param shapes of tokens, which are hidden whoever they belong to */
  constructor(shapes: readonly RegExp[] = []) {
    this.shapes = new RegExp([OUR_OWN, ...shapes].map(({ source }) => source).join('|'), 'g');
  }

  /** To be called once for each `forget`, if there is one. */
  add(secret: string): void {
    if (secret.length < MIN_SECRET_LENGTH) return;
    const holders = this.holders.get(secret) ?? 0;
    this.holders.set(secret, holders + 1);
    if (holders > 0) return;
    for (const ending of endingsOf(secret)) {
      const alike = this.alike(ending);
      this.byEnding.set(ending, alike.length === 0 ? secret : [...alike, secret]);
    }
  }

  /** The secret is none any more. */
  forget(secret: string): void {
    const holders = this.holders.get(secret) ?? 0;
    if (holders > 1) this.holders.set(secret, holders - 1);
    if (holders !== 1) return;
    this.holders.delete(secret);
    for (const ending of endingsOf(secret)) {
      const kept = this.alike(ending).filter((other) => other !== secret);
      if (kept.length > 0) this.byEnding.set(ending, kept);
      else this.byEnding.delete(ending);
    }
  }

  /** @param others secrets of this text alone */
  redact(text: string, others: readonly string[] = []): string {
    const known = this.withoutKnown(text).replace(this.shapes, HIDDEN);
    if (others.length === 0) return known;
    const redactor = new Redactor();
    for (const secret of others) redactor.add(secret);
    return redactor.withoutKnown(known);
  }

  private alike(ending: number): readonly string[] {
    const alike = this.byEnding.get(ending) ?? [];
    return typeof alike === 'string' ? [alike] : alike;
  }

  private withoutKnown(text: string): string {
    /** Where secrets begin and end, in their order and apart from each other. */
    const hidden: { readonly start: number; readonly end: number }[] = [];
    let hash = 0;
    for (let end = 1; end <= text.length; end += 1) {
      hash = imul(hash, BASE) + text.charCodeAt(end - 1);
      if (end > WINDOW) hash -= imul(text.charCodeAt(end - 1 - WINDOW), BASE_TO_THE_WINDOW);
      hash |= 0;
      if (end < WINDOW || !this.byEnding.has(hash)) continue;
      const found = this.alike(hash).flatMap((secret) => [...formsOf(secret)].filter(endsAt(text, end)));
      if (found.length === 0) continue;
      let start = end - Math.max(...found.map(({ length }) => length));
      for (let last = hidden.at(-1); last && start < last.end; last = hidden.at(-1)) {
        start = Math.min(start, last.start);
        hidden.pop();
      }
      hidden.push({ start, end });
    }
    let shown = '';
    let shownTo = 0;
    for (const { start, end } of hidden) {
      shown += text.slice(shownTo, start) + HIDDEN;
      shownTo = end;
    }
    return shownTo === 0 ? text : shown + text.slice(shownTo);
  }
}

function endsAt(text: string, end: number): (form: string) => boolean {
  return (form) => form.length <= end && text.startsWith(form, end - form.length);
}

/** Of thousands of secrets: where no form of a character depends on its neighbours, the last ones say how all forms end. */
function endingsOf(secret: string): Set<number> {
  const forms = UNESCAPED.test(secret) ? endsOf(secret) : formsOf(secret);
  const endings = new Set<number>();
  for (const form of forms) endings.add(hashOf(form.slice(-WINDOW)));
  return endings;
}

function endsOf(secret: string): string[] {
  const plain = [secret, ...base64Forms(secret.slice(-TAIL))];
  if (!isShort(secret)) return plain;
  // Of the other rare forms each character makes two or more.
  return [...plain, secret.toUpperCase(), secret.toLowerCase(), ...rareForms(secret.slice(-WINDOW / 2))];
}

function isShort({ length }: string): boolean {
  return length <= MAX_SECRET_IN_RARE_FORMS;
}

/** Of the first `WINDOW` characters. */
function hashOf(form: string): number {
  let hash = 0;
  for (let at = 0; at < WINDOW; at += 1) hash = (imul(hash, BASE) + form.charCodeAt(at)) | 0;
  return hash;
}

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i += 1) result = imul(result, base);
  return result;
}

function formsOf(given: string): Set<string> {
  const secret = Buffer.from(given).toString(); // Half of a surrogate pair cannot be URL-encoded.
  return new Set([
    ...(UNESCAPED.test(secret) ? [secret] : escapedForms(secret)),
    ...base64Forms(secret),
    ...(isShort(secret) ? rareForms(secret) : []),
  ]);
}

function escapedForms(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).replace(/%../g, (escape) => escape.toLowerCase()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
  ];
}

function rareForms(secret: string): string[] {
  const hex = Buffer.from(secret).toString('hex');
  const each = (show: (codePoint: number) => string): string =>
    Array.from(secret, (character) => show(character.codePointAt(0) ?? 0)).join('');
  return [
    secret.toUpperCase(),
    secret.toLowerCase(),
    hex,
    hex.toUpperCase(),
    hex.replace(/../g, '%$&'),
    hex.toUpperCase().replace(/../g, '%$&'),
    each((codePoint) => `&#${codePoint};`),
    each((codePoint) => `&#x${codePoint.toString(16)};`),
    each((codePoint) => `&#x${codePoint.toString(16).toUpperCase()};`),
  ].filter((form) => form.length >= WINDOW);
}

/** What the secret looks like in base64 wherever it begins in the encoded text, without the characters its neighbours share. */
function base64Forms(secret: string): string[] {
  const padded = Buffer.from(`\0\0${secret}`);
  return [0, 1, 2].flatMap((offset) => {
    const bytes = padded.subarray(2 - offset);
    const first = Math.ceil((offset * 4) / 3);
    const whole = Math.floor((bytes.length * 8) / 6);
    const form = bytes.toString('base64').slice(first, whole);
    return /[+/]/.test(form) ? [form, form.replaceAll('+', '-').replaceAll('/', '_')] : [form];
  });
}

/** The current token of an app, and those before it that a platform may still take. */
const MAX_TOKENS_OF_AN_APP = 3;

/** Has the redactor know tokens by value for as long as they may live. */
export class LiveTokens {
  private readonly values = new Map<AppName, string[]>();

  constructor(private readonly redactor: Redactor) {}

  add(app: AppName, value: string): void {
    const known = this.values.get(app) ?? [];
    if (known.includes(value)) return;
    this.redactor.add(value);
    const kept = known.slice(1 - MAX_TOKENS_OF_AN_APP);
    for (const token of known.slice(0, known.length - kept.length)) this.redactor.forget(token);
    // `concat` leaves no room for more, as a spread does.
    this.values.set(app, kept.concat(value));
  }
}

/**
 * Text of somebody else on one line that is safe to log and to answer with: without control and format characters and
 * lone surrogates, and bounded.
 *
 * @param text anything; what is not a string becomes empty
 */
export function readableText(text: unknown, maxCharacters: number): string {
  if (typeof text !== 'string') return '';
  // Cut first: a text of megabytes is not worth a walk.
  const shown = text.slice(0, 8 * maxCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '');
  return Array.from(shown).slice(0, maxCharacters).join('');
}
