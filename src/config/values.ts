import leven from 'leven';

/** Two letters swapped, the commonest slip, are this far apart. */
const MAX_DISTANCE = 2;

/** Whether this is what a YAML mapping becomes. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The list itself, or an empty one when it is none. */
export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** A mapping of a list, and where in the configuration it stands. */
export interface Placed {
  readonly path: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** The mappings of a list that may be none, and may hold anything. */
export function mappingsIn(list: unknown, path: string): readonly Placed[] {
  return asList(list).flatMap((entry, index) =>
    isMapping(entry) ? [{ path: `${path}[${index}]`, entry }] : [],
  );
}

/** The candidate that `word` was probably meant to be, upper case, `_` and `-` aside; undefined when none is close. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[_-]/g, '');
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: leven(plain(word), plain(candidate)) }))
    .filter(({ candidate, distance }) => distance <= Math.min(MAX_DISTANCE, candidate.length / 2))
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate;
}

/** The URL, or null; what `new URL` throws holds the text. */
export function parseUrl(text: unknown): URL | null {
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
}

/** The text without percent encoding; null where that cannot be undone. */
export function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Whether a platform's address can only be a simulator: a loopback address, or a bare name over plain HTTP, as Compose gives its services. */
export function isTrialHost(address: unknown): boolean {
  const url = parseUrl(address);
  if (url === null) return false;
  return isLoopback(url) || (url.protocol === 'http:' && /^[a-z][a-z0-9-]*$/.test(url.hostname));
}

/** Whether what is sent there stays on this machine. */
export function isLoopback({ hostname }: Pick<URL, 'hostname'>): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/.test(hostname);
}
