/** The server says no: thrown by whatever handles a request, answered as JSON with `error`. */
export class OauthError extends Error {
  override readonly name = 'OauthError';

  constructor(
    /** A word of RFC 6749 5.2 or RFC 6750 3.1; null for an answer that carries none. */
    readonly error: string | null,
    readonly description: string,
    readonly status = 400,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(`${error ?? 'HTTP'} ${String(status)}`);
  }
}
