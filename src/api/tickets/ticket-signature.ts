import { hash } from 'node:crypto';
import { HttpProblem } from '../common/problem.js';

export interface JsapiSignatureInput {
  readonly ticket: string;
  readonly nonceStr: string;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
  /** As `signableUrl` allows it; not encoded any further. */
  readonly url: string;
}

/** The `signature` of `wx.config`. */
export function jsapiSignature({ ticket, nonceStr, timestamp, url }: JsapiSignatureInput): string {
  return sha1(`jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${String(timestamp)}&url=${url}`);
}

/** The `signature` of a `cardExt`: of the ticket, the time and all that the card is given, in any order. */
export function cardSignature(values: readonly string[]): string {
  return sha1(values.toSorted(byCodeUnits).join(''));
}

/**
 * The URL as it is, if WeChat can have the same one to sign: the page's address without its fragment.
 *
 * @throws HttpProblem `invalid_request`
 */
export function signableUrl(url: string): string {
  if (!/^https?:\/\/[^\s/?#]/i.test(url) || /\s/.test(url)) {
    throw new HttpProblem(
      'invalid_request',
      "In the body, url must be the whole address of the page, not encoded any further, beginning with http:// or https://: send location.href.split('#')[0].",
    );
  }
  if (url.includes('#')) {
    throw new HttpProblem(
      'invalid_request',
      "In the body, url has a fragment, which WeChat leaves out when it checks the signature: send location.href.split('#')[0].",
    );
  }
  return url;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function sha1(text: string): string {
  return hash('sha1', text);
}
