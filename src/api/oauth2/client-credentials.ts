import { OAuth2Error } from './oauth2-error.js';

/** Who asks for a token: RFC 6749, section 2.3.1. */
export interface ClientCredentials {
  /** The alias of an app. */
  readonly clientId: string;
  /** An API key. */
  readonly clientSecret: string;
}

/** The parameters of a token request. */
export class TokenRequestForm {
  private readonly fields: URLSearchParams;

  /** @throws OAuth2Error `invalid_request` when a parameter is given twice */
  constructor(body: string) {
    this.fields = new URLSearchParams(body);
    for (const name of this.fields.keys()) {
      if (this.fields.getAll(name).length > 1) {
        throw new OAuth2Error('invalid_request', 'A parameter is given twice: send each one once.');
      }
    }
  }

  /** A parameter without a value counts as left out (section 3.1). */
  get(name: 'client_id' | 'client_secret' | 'grant_type' | 'scope'): string | undefined {
    const value = this.fields.get(name);
    return value === null || value === '' ? undefined : value;
  }
}

/**
 * Null when there are none, or the header is not as it should be. They come out of the header `Authorization` or the body, not out of both. A `client_id` in the body besides the header is allowed if it
 * is the same: many libraries send it.
 *
 * @throws OAuth2Error `invalid_request` when they come in both ways
 */
export function clientCredentials(
  authorization: string | undefined,
  form: TokenRequestForm,
): ClientCredentials | null {
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  if (authorization === undefined) {
    return clientId !== undefined && clientSecret !== undefined ? { clientId, clientSecret } : null;
  }
  if (clientSecret !== undefined) {
    throw new OAuth2Error(
      'invalid_request',
      'Send client_secret in the body or in the header Authorization, not in both.',
    );
  }
  const basic = basicCredentials(authorization);
  if (clientId !== undefined && basic !== null && clientId !== basic.clientId) {
    throw new OAuth2Error(
      'invalid_request',
      'client_id in the body is not the one in the header Authorization.',
    );
  }
  return basic;
}

/** Both parts are form-urlencoded before they are put together, so that either may have a colon. */
function basicCredentials(authorization: string): ClientCredentials | null {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization.trim())?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const clientId = formDecoded(text.slice(0, Math.max(0, colon)));
  const clientSecret = formDecoded(text.slice(colon + 1));
  return colon > 0 && clientId !== undefined && clientSecret !== undefined
    ? { clientId, clientSecret }
    : null;
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
