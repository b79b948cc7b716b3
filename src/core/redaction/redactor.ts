import type { AppName } from '../token.js';

const HIDDEN = '[redacted]';
/** Shorter values would hide ordinary words. */
const MIN_SECRET_LENGTH = 8;
/** Configured secrets are hidden in forms that are rare as well. Tokens, which are longer, are so many that this would take too much memory. */
const MAX_SECRET_IN_RARE_FORMS = 64;
/** What this broker's API keys, sessions, tickets and virtual tokens look like, whoever they belong to. */
const OUR_OWN = /\btb[kstv]_[A-Za-z0-9_-]{16,}/;

/** A rolling hash over this many characters finds the places where a secret may begin, however many secrets there are. */
const WINDOW = MIN_SECRET_LENGTH;
const { imul } = Math;
const BASE = 0x01000193;
const BASE_TO_THE_WINDOW = power(BASE, WINDOW);

/** Takes secrets out of text by their value: as they are, URL-encoded, or inside of base64; short ones also in the other case, in hex and in character references. Takes as long for one secret as for thousands. */
export class Redactor {
  /** By the hash of their first characters, longest first. */
  private readonly forms = new Map<number, string[]>();
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
    for (const form of formsOf(secret)) {
      const start = hashOf(form);
      const alike = [...(this.forms.get(start) ?? []), form];
      this.forms.set(
        start,
        alike.sort((a, b) => b.length - a.length),
      );
    }
  }

  /** The secret is none any more. */
  forget(secret: string): void {
    const holders = this.holders.get(secret) ?? 0;
    if (holders > 1) this.holders.set(secret, holders - 1);
    if (holders !== 1) return;
    this.holders.delete(secret);
    for (const form of formsOf(secret)) {
      const start = hashOf(form);
      const alike = this.forms.get(start) ?? [];
      const kept = alike.toSpliced(alike.indexOf(form), 1);
      if (kept.length > 0) this.forms.set(start, kept);
      else this.forms.delete(start);
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

  private withoutKnown(text: string): string {
    let shown = '';
    let shownTo = 0;
    let hash = 0;
    for (let end = 1; end <= text.length; end += 1) {
      const start = end - WINDOW;
      hash = imul(hash, BASE) + text.charCodeAt(end - 1);
      if (start > 0) hash -= imul(text.charCodeAt(start - 1), BASE_TO_THE_WINDOW);
      hash |= 0;
      if (start < shownTo) continue;
      const form = this.forms.get(hash)?.find((candidate) => text.startsWith(candidate, start));
      if (form === undefined) continue;
      shown += text.slice(shownTo, start) + HIDDEN;
      shownTo = start + form.length;
    }
    return shownTo === 0 ? text : shown + text.slice(shownTo);
  }
}

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
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).replace(/%../g, (escape) => escape.toLowerCase()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    ...base64Forms(secret),
    ...(secret.length <= MAX_SECRET_IN_RARE_FORMS ? rareForms(secret) : []),
  ]);
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
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    const first = Math.ceil((offset * 4) / 3);
    const whole = Math.floor((bytes.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(first, whole));
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
    const kept = [...known, value];
    while (kept.length > MAX_TOKENS_OF_AN_APP) this.redactor.forget(kept.shift() ?? '');
    this.values.set(app, kept);
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
