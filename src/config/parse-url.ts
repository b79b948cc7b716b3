/** The URL, or null: `URL.parse` is not in Node 20, and what `new URL` throws holds the text. */
export function parseUrl(text: unknown): URL | null {
  return typeof text === 'string' && URL.canParse(text) ? new URL(text) : null;
}
