/** The URL, or null: `URL.parse` is not in Node 20, and what `new URL` throws holds the text. */
export function parseUrl(text: unknown): URL | null {
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
}

/** Whether a platform's address can only be a simulator: a loopback address, or a bare name over plain HTTP, as Compose gives its services. */
export function isTrialHost(apiBaseUrl: unknown): boolean {
  const url = parseUrl(apiBaseUrl);
  if (url === null) return false;
  return (
    /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname) ||
    (url.protocol === 'http:' && /^[a-z][a-z0-9-]*$/.test(url.hostname))
  );
}
