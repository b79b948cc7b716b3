import type { IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { countStreamed } from './streamed-bytes.js';

/** Only answers of at most this size are looked into; the others are passed on as they come. */
const MAX_LOOKED_INTO_BYTES = 64 * 1024;
const OPENING_BRACE = 0x7b;
/** Space, tab, line feed, carriage return, and the three bytes of a byte order mark. */
const BEFORE_JSON = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf]);
/** Of an answer these reach the caller, and every `wechatmp-…`. Hop-by-hop headers and cookies do not; nor does a redirect's address, which may hold the token. */
const PASSED_ON = new Set(['content-type', 'content-disposition', 'content-encoding', 'retry-after']);

/** An answer, and what came of it before it was decided what becomes of it. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly chunks: readonly Buffer[];
  /** What comes after the chunks; null when there is no more. */
  readonly rest: Readable | null;
  readonly isJson: boolean;
}

/**
 * Takes an answer from undici: to its end where it is JSON of at most 64 KiB, of any other no more than shows that it is not.
 * The rest of that is a stream. Without undici's own, which `request` makes for each answer, a call costs a tenth less.
 */
export class AnswerReader implements Dispatcher.DispatchHandler {
  private readonly chunks: Buffer[] = [];
  private length = 0;
  private status = 0;
  private headers: IncomingHttpHeaders = {};
  private isJson: boolean | null = null;
  private rest: Readable | null = null;
  private controller: Dispatcher.DispatchController | null = null;
  private isGivenUp = false;

  /** @param method of the request: the answer to HEAD has a length and no body */
  constructor(
    private readonly method: string,
    private readonly resolve: (answer: UpstreamAnswer) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  /** Ends the request, sent or not. */
  giveUp(): void {
    this.isGivenUp = true;
    this.controller?.abort(new Error('given up'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.isGivenUp) this.giveUp();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return;
    this.status = status;
    this.headers = headers;
    const hasBody = this.method !== 'HEAD' && status !== 204 && status !== 304;
    const length = hasBody ? lengthOf(headers) : null;
    if (length !== null && length > MAX_LOOKED_INTO_BYTES) this.stream(controller);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.rest) {
      countStreamed(chunk.length);
      if (!this.rest.push(chunk)) controller.pause();
      return;
    }
    this.chunks.push(chunk);
    this.length += chunk.length;
    this.isJson ??= beginsAsJson(chunk);
    if (this.isJson === false || this.length > MAX_LOOKED_INTO_BYTES) this.stream(controller);
  }

  onResponseEnd(): void {
    if (this.rest) this.rest.push(null);
    else this.decide(this.isJson === true);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.rest) this.rest.destroy(error);
    else this.reject(error);
  }

  private stream(controller: Dispatcher.DispatchController): void {
    this.rest = new Readable({
      // What a slow reader has no room for stays with the platform.
      highWaterMark: 0,
      read: () => {
        controller.resume();
      },
      destroy: (error, done) => {
        controller.abort(error ?? new Error('given up'));
        done(error);
      },
    });
    this.rest.on('pause', () => {
      controller.pause();
    });
    // It may fail before anybody reads it.
    this.rest.on('error', () => undefined);
    this.decide(false);
  }

  private decide(isJson: boolean): void {
    const { status, headers, chunks, rest } = this;
    this.resolve({ status, headers, chunks, rest, isJson });
  }
}

/** Null while there is nothing but white space. */
function beginsAsJson(chunk: Buffer): boolean | null {
  const first = chunk.find((byte) => !BEFORE_JSON.has(byte));
  return first === undefined ? null : first === OPENING_BRACE;
}

/** The headers of an answer that the caller gets, but for its length: names and values in turn. */
export function passedOn(headers: IncomingHttpHeaders): (string | string[])[] {
  const kept: (string | string[])[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && (PASSED_ON.has(name) || name.startsWith('wechatmp-'))) kept.push(name, value);
  }
  return kept;
}

/** The length that an answer declares; null where it does not. */
export function lengthOf({ 'content-length': length }: IncomingHttpHeaders): number | null {
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : null;
}

/** The bytes with `***` in the place of the token, which error pages may quote. */
export function withoutToken(body: Buffer, token: string): Buffer {
  if (body.length < token.length) return body;
  const encoded = encodeURIComponent(token);
  const forms = (encoded === token ? [token] : [token, encoded]).filter((form) =>
    body.includes(form, 0, 'latin1'),
  );
  if (forms.length === 0) return body;
  const text = forms.reduce((shown, form) => shown.replaceAll(form, '***'), body.toString('latin1'));
  return Buffer.from(text, 'latin1');
}
