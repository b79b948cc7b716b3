import type { HttpCall } from '../read-call.js';
import type { IssuedToken } from '../issued-token.js';
import { isObject, parsed } from '../input-checks.js';
import type { Platform } from './platform.js';
import { Refusal } from '../refusal.js';

export interface WechatAnswer {
  readonly body: Readonly<Record<string, unknown>>;
  /** The token that the body carries. */
  readonly token?: IssuedToken;
  /** In the place of the body. */
  readonly file?: {
    readonly contentType: string | null;
    readonly bytes: Buffer;
    readonly headers: Readonly<Record<string, string>>;
  };
}

/** Answers one API call as of `nowMs`. Throws a Refusal where the platform answers with an errcode. */
export type WechatHandler = (call: HttpCall, platform: Platform, nowMs: number) => WechatAnswer;

/** The posted object: 44002 when nothing was posted, 47001 when it is something else. */
export function postedObject({ body }: HttpCall): Readonly<Record<string, unknown>> {
  if (body.trim() === '') throw new Refusal(44002);
  const value = parsed(body);
  if (!isObject(value)) throw new Refusal(47001);
  return value;
}

/** What is not a string counts as missing. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
