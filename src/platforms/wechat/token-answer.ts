import type { IssueOutcome } from '../../core/ports/token-issuer.js';
import { knownMessage } from './known-message.js';
import { NetworkFault, type FaultId } from '../http/network-fault.js';
import { numberOf, parseJsonObject } from '../http/parse-json-object.js';

/** Tokens have 512 characters at most by WeChat's documents, some 150 in practice. */
const TOKEN_SHAPE = /^[\x21-\x7e]{1,5000}$/;
/** WeChat sends 7,200; more than 30 days is a fault, and would hide every later rotation. */
const MAX_EXPIRES_IN_SECONDS = 30 * 24 * 3600;

/**
 * Reads the body of a token endpoint's answer, or of the ticket endpoint's. Whatever is not exactly a token or an errcode
 * is `unknown`, with a cause that names the fault and quotes nothing. `sent` is the secret of the request, no part of which may
 * stand in the message.
 */
export function readTokenAnswer(
  body: string,
  sent: string,
  field: 'access_token' | 'ticket' = 'access_token',
): IssueOutcome {
  const answer = parseJsonObject(body);
  if (!answer) {
    return unknown('is not a JSON object', /^\s*</.test(body) ? 'answer_html' : 'answer_not_json');
  }

  const { errcode: givenErrcode = 0, [field]: value, expires_in: givenSeconds } = answer;
  const [errcode, expiresInSeconds] = [numberOf(givenErrcode), numberOf(givenSeconds)];
  if (!isInteger(errcode)) return unknown('has an errcode that is not an integer');
  if (errcode !== 0) {
    return { kind: 'refused', errcode, message: knownMessage(answer.errmsg, [sent, value]) };
  }
  if (typeof value !== 'string') return unknown(`has neither an errcode nor a string as ${field}`);
  if (!TOKEN_SHAPE.test(value)) {
    return unknown(`has a string as ${field} that is not 1 to 5000 printable ASCII characters`);
  }
  if (!isInteger(expiresInSeconds) || expiresInSeconds <= 0 || expiresInSeconds > MAX_EXPIRES_IN_SECONDS) {
    return unknown(`has an expires_in that is not an integer from 1 to ${MAX_EXPIRES_IN_SECONDS}`);
  }
  return { kind: 'issued', value, expiresInSeconds };
}

function unknown(what: string, fault: FaultId = 'answer_not_json'): IssueOutcome {
  return { kind: 'unknown', cause: new NetworkFault(fault, `The platform's answer ${what}.`) };
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
