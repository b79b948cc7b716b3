import { errorCodeOf } from '../../core/error-code.js';
import { parseJsonObject, type JsonObject } from '../../core/json-object.js';
import type { IssueOutcome } from '../../core/ports/token-issuer.js';
import { retryAfterMs, type HttpReply, faultOfBody } from '../http/http-call.js';
import { NetworkFault, type FaultId } from '../http/network-fault.js';
import { safeDescription, TOO_MANY_REQUESTS, UNREADABLE_ERROR } from './oauth-errors.js';

const TOKEN_SHAPE = /^[\x21-\x7e]{1,5000}$/;
const TOKEN_TYPE_SHAPE = /^[A-Za-z][\w.+-]{0,39}$/;
/** A number, in JSON or as text; some servers send fractions. */
const LIFE_SHAPE = /^\d{1,15}(?:\.\d+)?$/;
/** The broker keeps no token for longer. */
const MAX_LIFE_SECONDS = 30 * 24 * 3600;

export interface AnswerContext {
  /** The server gives the same token again, which in its last second has an `expires_in` of 0. */
  readonly isRepeated: boolean;
  /** Where the answer has no `expires_in`. */
  readonly defaultLifeSeconds: number;
  /** The request's secret. The message must hold no part of it. */
  readonly clientSecret: string;
}

/**
 * Reads the answer of a token endpoint (RFC 6749 5.1 and 5.2). A JSON object with `error` proves that nothing was minted,
 * whether it comes with 400, 401, another 4xx or 200; so does 429. Whatever else is not a token is `unknown`, with a cause that
 * quotes nothing.
 */
export function readTokenAnswer(
  { status, headers, body }: Extract<HttpReply, { kind: 'answered' }>,
  context: AnswerContext,
): IssueOutcome {
  const answer = parseJsonObject(body);
  const wait = { retryAfterMs: retryAfterMs(headers) };
  if (answer && (answer.error ?? null) !== null) {
    const errcode = errorCodeOf(answer.error) ?? UNREADABLE_ERROR;
    const message = safeDescription(answer.error_description, [context.clientSecret]);
    return { kind: 'refused', errcode, message, ...wait };
  }
  if (status === TOO_MANY_REQUESTS) {
    return { kind: 'refused', errcode: status, message: 'too many requests', ...wait };
  }
  if (status > 299) return unknown(`has HTTP status ${status} and no error of OAuth 2`, 'http_4xx');
  if (!answer) return unknown('is not a JSON object', faultOfBody(body));
  return readToken(answer, context);
}

function readToken(answer: JsonObject, { defaultLifeSeconds, isRepeated }: AnswerContext): IssueOutcome {
  const { access_token: value, token_type: type, expires_in: life } = answer;
  if (typeof value !== 'string') return unknown('has neither an error nor an access_token');
  if (!TOKEN_SHAPE.test(value)) {
    return unknown('has an access_token that is not 1 to 5000 printable ASCII characters');
  }
  const given = LIFE_SHAPE.test(String(life)) ? Math.floor(Number(life)) : null;
  if (given === null && (life ?? '') !== '')
    return unknown('has an expires_in that is not a number of seconds');
  const seconds = given ?? defaultLifeSeconds;
  if (seconds < 1 && !isRepeated) return unknown('has a token that has expired already');
  const tokenType = typeof type === 'string' && TOKEN_TYPE_SHAPE.test(type) ? type : 'Bearer';
  const remark = remarkOn(given, defaultLifeSeconds);
  return {
    kind: 'issued',
    value,
    expiresInSeconds: Math.min(seconds, MAX_LIFE_SECONDS),
    ...(tokenType.toLowerCase() !== 'bearer' && { tokenType }),
    ...(remark !== null && { remark }),
  };
}

function remarkOn(given: number | null, defaultLifeSeconds: number): string | null {
  if (given === null) {
    return `The answer has no expires_in: the token is taken to live ${defaultLifeSeconds} s (defaultLifeSeconds).`;
  }
  if (given <= MAX_LIFE_SECONDS) return null;
  return `The token lives ${given} s by the answer; the broker keeps it for ${MAX_LIFE_SECONDS} s.`;
}

function unknown(what: string, fault: FaultId = 'answer_unexpected'): IssueOutcome {
  return { kind: 'unknown', cause: new NetworkFault(fault, `The token endpoint's answer ${what}.`) };
}
