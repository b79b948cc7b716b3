/**
 * Whether a login may end there. The platform checks no more than the host, and so this is the only check of the rest.
 * Code that compares less than the whole text can be led to another place: by a suffix, an `@`, a backslash.
 */
export function isAllowed(redirectUri: string, allowed: readonly string[]): boolean {
  return allowed.includes(redirectUri);
}

/** Adds a parameter and leaves the rest as it is. */
export function withParameter(uri: string, name: string, value: string): string {
  const [, before = uri, fragment = ''] = /^([^#]*)(#.*)?$/s.exec(uri) ?? [];
  const separator = before.includes('?') ? '&' : '?';
  return `${before}${separator}${name}=${encodeURIComponent(value)}${fragment}`;
}
