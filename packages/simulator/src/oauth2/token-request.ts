import { OauthError } from './oauth-error.js';
import type { HttpCall } from '../read-call.js';

/** Who asks, and how it says so. */
export interface ClientCredentials {
  readonly method: 'client_secret_basic' | 'client_secret_post';
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface TokenRequest {
  readonly credentials: ClientCredentials | undefined;
  readonly grantType: string | undefined;
  readonly scope: string | undefined;
  /** Everything else that was posted. */
  readonly parameters: Readonly<Record<string, string>>;
}

const FORM = 'application/x-www-form-urlencoded';

/** RFC 6749 2.3.1 and 4.4.2. Throws an OauthError for a request that is not well formed. */
export function readTokenRequest(call: HttpCall): TokenRequest {
  if (call.method !== 'POST') throw new OauthError(null, 'Use POST.', 405, { Allow: 'POST' });
  const [type = ''] = header(call, 'content-type').split(';');
  if (type.trim().toLowerCase() !== FORM) throw new OauthError('invalid_request', `The body must be ${FORM}`);
  const form = new URLSearchParams(call.body);
  const names = [...form.keys()];
  if (new Set(names).size < names.length) throw new OauthError('invalid_request', 'A parameter is repeated');
  const {
    client_id: clientId,
    client_secret: clientSecret,
    grant_type: grantType,
    scope,
    ...parameters
  } = Object.fromEntries(form);
  const basic = basicCredentials(call);
  if (basic && clientSecret !== undefined) {
    throw new OauthError('invalid_request', 'More than one way of client authentication is used');
  }
  const posted =
    clientId === undefined || clientSecret === undefined
      ? undefined
      : ({ method: 'client_secret_post', clientId, clientSecret } as const);
  return { credentials: basic ?? posted, grantType, scope, parameters };
}

/** Undefined for a request without `Authorization: Basic`, and for one that is not form-urlencoded inside. */
export function basicCredentials(call: HttpCall): ClientCredentials | undefined {
  const [, encoded] = /^Basic +(\S+)$/i.exec(header(call, 'authorization')) ?? [];
  if (encoded === undefined) return undefined;
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  try {
    return {
      method: 'client_secret_basic',
      clientId: formDecoded(id),
      clientSecret: formDecoded(secret.join(':')),
    };
  } catch {
    return undefined;
  }
}

export function bearerToken(call: HttpCall): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header(call, 'authorization'))?.[1];
}

function header({ headers }: HttpCall, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
