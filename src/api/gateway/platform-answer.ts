import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** Only answers of at most this size are looked into; the others are passed on as they come. */
const MAX_LOOKED_INTO_BYTES = 64 * 1024;
const OPENING_BRACE = 0x7b;
/** Space, tab, line feed, carriage return, and the three bytes of a byte order mark. */
const BEFORE_JSON = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
/** Of an answer these reach the caller, and every `wechatmp-…`. Hop-by-hop headers and cookies do not; nor does a redirect's address, which may hold the token. */
const PASSED_ON = new Set(['content-type', 'content-disposition', 'content-encoding', 'retry-after']);

/** What came of an answer before it was decided what becomes of it. */
export interface Peeked {
  readonly chunks: readonly Buffer[];
  /** There is no more of it. */
  readonly isWhole: boolean;
  readonly isJson: boolean;
}

/** Reads an answer to its end where it is JSON of at most 64 KiB; of any other no more than shows that it is not. */
export function peek(body: Readable, contentLength: number | null): Promise<Peeked> {
  if (contentLength !== null && contentLength > MAX_LOOKED_INTO_BYTES) {
    return Promise.resolve({ chunks: [], isWhole: false, isJson: false });
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let isJson: boolean | null = null;
    const decide = (isWhole: boolean): void => {
      body.off('data', onData).off('end', onEnd).off('error', reject);
      if (!isWhole) body.pause();
      resolve({ chunks, isWhole, isJson: isWhole && isJson === true });
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      isJson ??= beginsAsJson(chunk);
      if (isJson === false || length > MAX_LOOKED_INTO_BYTES) decide(false);
    };
    const onEnd = (): void => {
      decide(true);
    };
    body.on('data', onData).on('end', onEnd).on('error', reject);
  });
}

/** Null while there is nothing but white space. */
function beginsAsJson(chunk: Buffer): boolean | null {
  const first = chunk.find((byte) => !BEFORE_JSON.has(byte));
  return first === undefined ? null : first === OPENING_BRACE;
}

/** The headers of an answer that the caller gets, but for its length. */
export function passedOn(headers: IncomingHttpHeaders): [name: string, value: string | string[]][] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value !== undefined && (PASSED_ON.has(name) || name.startsWith('wechatmp-')) ? [[name, value]] : [],
  );
}

/** The length that an answer declares; null where it does not. */
export function lengthOf({ 'content-length': length }: IncomingHttpHeaders): number | null {
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : null;
}

/** The bytes with `***` in the place of the token, which error pages may quote. */
export function withoutToken(body: Buffer, token: string): Buffer {
  const forms = [...new Set([token, encodeURIComponent(token)])].filter((form) =>
    body.includes(form, 0, 'latin1'),
  );
  if (forms.length === 0) return body;
  const text = forms.reduce((shown, form) => shown.replaceAll(form, '***'), body.toString('latin1'));
  return Buffer.from(text, 'latin1');
}
