import type { ErrorCode } from '../../core/error-code.js';
import type { ErrcodeAdvice, RefusalClass } from '../../core/ports/token-issuer.js';

/** A status without a word of the server. */
export const TOO_MANY_REQUESTS = 429;
/** A refusal whose `error` is no word that can be stored and shown. */
export const UNREADABLE_ERROR = 'unreadable_error';

/** At a token endpoint, those that pass by themselves. */
export const PASSING_ERRCODES = [
  'temporarily_unavailable',
  'server_error',
  'slow_down',
  TOO_MANY_REQUESTS,
] as const;

interface Meaning {
  readonly class: RefusalClass;
  readonly remedy: string;
}

/** At the token endpoint: RFC 6749 5.2, 4.1.2.1 and RFC 8707; the rest is seen in the field. */
export const AT_TOKEN_ENDPOINT: Readonly<Record<ErrorCode, Meaning>> = {
  invalid_client: {
    class: 'configuration',
    remedy:
      'The server does not take the client: check clientId, clientSecret and clientAuthentication, which must be the way (Basic or body) that the client is registered with.',
  },
  unauthorized_client: {
    class: 'configuration',
    remedy: 'The client may not use the grant client_credentials; allow it at the server.',
  },
  invalid_scope: {
    class: 'configuration',
    remedy: 'The server does not know the scope or does not grant it to the client; correct scope.',
  },
  unsupported_grant_type: {
    class: 'configuration',
    remedy: 'The server has no client_credentials grant at this address; check tokenUrl.',
  },
  invalid_request: {
    class: 'configuration',
    remedy:
      'The server misses a parameter or does not take one; see what it wants in parameters, such as audience or resource, and which clientAuthentication.',
  },
  invalid_target: {
    class: 'configuration',
    remedy: 'The server does not know the resource or audience in parameters; correct it.',
  },
  invalid_grant: {
    class: 'configuration',
    remedy: 'The server refuses the grant; see in its console whether the client is active.',
  },
  access_denied: {
    class: 'configuration',
    remedy: 'The server denies the client access; see its settings in the console of the server.',
  },
  temporarily_unavailable: {
    class: 'busy',
    remedy: 'The server is busy; nothing to do, the same call works again shortly.',
  },
  server_error: { class: 'busy', remedy: 'The server failed; the broker keeps trying.' },
  slow_down: { class: 'busy', remedy: 'The server wants fewer requests; the broker waits.' },
  [TOO_MANY_REQUESTS]: {
    class: 'busy',
    remedy:
      'The server limits how often tokens are fetched; the broker waits as long as it says. Find who else uses this client.',
  },
};

/** What a resource says (RFC 6750 3.1). */
export const AT_RESOURCE: Readonly<Record<ErrorCode, string>> = {
  invalid_token: 'The access token is not valid any more; get the current one from the broker.',
  insufficient_scope: 'The token lacks a scope; add it to scope, if the server grants it to the client.',
  401: 'The resource refuses the access token; get the current one from the broker.',
};

/** What is not known counts as `configuration`: asking in a loop can lock the client out. */
const UNKNOWN: Meaning = {
  class: 'configuration',
  remedy: "Look the error up in the server's documentation; its log says what was wrong with the request.",
};

/**
 * What an error means. Servers and resources have words of their own, and a report cannot be checked: on a business call
 * what is not known to be about something else may be about the token, because one more fetch does no harm.
 */
export function explain(errcode: ErrorCode): ErrcodeAdvice {
  const { class: kind, remedy } = AT_TOKEN_ENDPOINT[errcode] ?? UNKNOWN;
  return {
    class: kind,
    remedy: AT_RESOURCE[errcode] ?? remedy,
    secretRejected: errcode === 'invalid_client',
    addressRejected: false,
    curedByNewToken: isAboutSomethingElse(errcode) ? 'no' : 'yes',
  };
}

function isAboutSomethingElse(errcode: ErrorCode): boolean {
  if (typeof errcode === 'number')
    return errcode === 0 || (errcode !== 401 && errcode >= 400 && errcode <= 599);
  return errcode === 'insufficient_scope' || errcode in AT_TOKEN_ENDPOINT;
}

const MAX_CHARACTERS = 200;
/** Less than RFC 6749 5.2 allows: nothing that character references and percent encodings are written with. */
const ALLOWED = /^[\w .,:;'()/@!?=-]+$/;
/** So much of a secret in a row is no chance. */
const PART = 6;

/**
 * The server's `error_description` if it can be shown: plain ASCII, not too long, and without any part of the request's
 * secrets in a form in which they are sent or may come back. Else an empty text.
 */
export function safeDescription(description: unknown, secrets: readonly string[]): string {
  if (typeof description !== 'string' || !ALLOWED.test(description)) return '';
  const text = description.toLowerCase();
  const holdsSecret = secrets
    .flatMap(formsOf)
    .some((form) => partsOf(form.toLowerCase()).some((part) => text.includes(part)));
  if (holdsSecret) return '';
  return description.length <= MAX_CHARACTERS ? description : `${description.slice(0, MAX_CHARACTERS)}…`;
}

/** Base64 at each of the three offsets that a secret can have in it. */
function formsOf(secret: string): string[] {
  const base64 = ['', '.', '..'].map((prefix) =>
    Buffer.from(prefix + secret)
      .toString('base64')
      .slice(prefix === '' ? 0 : 4)
      .replace(/.{0,2}=*$/, ''),
  );
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    Buffer.from(secret).toString('hex'),
    ...base64,
  ];
}

function partsOf(form: string): string[] {
  if (form.length <= PART) return form === '' ? [] : [form];
  return Array.from({ length: form.length - PART + 1 }, (_, start) => form.slice(start, start + PART));
}
