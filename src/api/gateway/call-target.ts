import type { TokenPlace } from '../../core/ports/gateway-profile.js';
import { HttpProblem } from '../common/problem.js';

/** What a call asks a platform for. */
export interface CallTarget {
  /** As the caller sent it. */
  readonly path: string;
  /** Decoded: what clients may call is about this. */
  readonly plainPath: string;
  /** As the caller sent it, without what stands before. */
  readonly query: string;
}

/** What callers must not send, wherever the token stands: it would be taken for the broker's, or is a secret. */
const STRIPPED = new Set(['access_token', 'secret', 'component_access_token', 'authorization']);

/** Of a call these reach the platform, and every `accept-…` and `wechatmp-…`. */
const PASSED_ON = new Set([
  'content-type',
  'content-disposition',
  'content-encoding',
  'accept',
  'user-agent',
]);

/**
 * @param url path and query, from the slash that begins the platform's path
 * @throws HttpProblem `invalid_request` for one that servers may read in two ways: an empty segment, `.` or `..`, a
 * backslash, a semicolon, an encoded slash, backslash or percent sign, a control character or what cannot be decoded
 */
export function readTarget(url: string): CallTarget {
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const query = queryAt < 0 ? '' : url.slice(queryAt + 1);
  const plainPath = decoded(path);
  if (
    plainPath === null ||
    !/^\/[\x21-\x7e]*$/.test(url) ||
    url.includes('#') ||
    /%(?:2f|5c|25|3b)/i.test(path) ||
    /[\\;]|\p{C}|\/\/|\/\.{1,2}(?:\/|$)/u.test(plainPath)
  ) {
    throw new HttpProblem(
      'invalid_request',
      'The path can be read in two ways: send it without empty segments, dots as segments, backslashes, semicolons and encoded slashes.',
    );
  }
  return { path, plainPath, query };
}

/** What the rules of a platform are about. */
export function ruledPath({ plainPath }: CallTarget): string {
  return plainPath.toLowerCase().replace(/\/$/, '');
}

/** Path and query for the platform, and the header with the token where it is one. */
export function withToken(
  { path, query }: CallTarget,
  place: TokenPlace,
  token: string,
): { readonly path: string; readonly header: readonly [name: string, value: string] | null } {
  const kept = query.split('&').filter((part) => part !== '' && !isStripped(part));
  if (place.kind === 'query') kept.push(`${place.parameter}=${encodeURIComponent(token)}`);
  const whole = kept.length === 0 ? path : `${path}?${kept.join('&')}`;
  return {
    path: whole,
    header: place.kind === 'header' ? [place.header, place.prefix + token] : null,
  };
}

/** The headers of the caller that the platform gets, names and values in turn, as they came. */
export function forwarded(rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    if (isPassedOn(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
}

/** Without `accept-encoding` the platform answers plain, so that an error can be read. */
function isPassedOn(name: string): boolean {
  if (PASSED_ON.has(name) || name.startsWith('wechatmp-')) return true;
  return name.startsWith('accept-') && name !== 'accept-encoding';
}

/** The first value of a parameter, decoded; undefined if there is none. */
export function parameterOf(query: string, name: string): string | undefined {
  for (const part of query.split('&')) {
    if (nameOf(part) !== name) continue;
    const at = part.indexOf('=');
    return at < 0 ? '' : (decoded(part.slice(at + 1).replaceAll('+', ' ')) ?? '');
  }
  return undefined;
}

function isStripped(part: string): boolean {
  return STRIPPED.has(nameOf(part).trim().toLowerCase());
}

/** A name that cannot be decoded is none of those that count. */
function nameOf(part: string): string {
  return decoded(part.split('=', 1)[0]?.replaceAll('+', ' ') ?? '') ?? '';
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
