import { parseJsonObject } from '../../core/json-object.js';
import type { PlatformAnswer } from '../../core/ports/gateway-profile.js';
import type { IssueOutcome } from '../../core/ports/token-issuer.js';
import { NetworkFault, type FaultId } from './network-fault.js';

/** A number of a platform's answer. Gateways turn numbers into text: digits are the number that they spell. */
export function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

/** Tokens have 512 characters at most by the platforms' documents. */
const TOKEN_SHAPE = /^[\x21-\x7e]{1,5000}$/;
/** Platforms send 7,200; more than 30 days is a fault, and would hide every later rotation. */
const MAX_EXPIRES_IN_SECONDS = 30 * 24 * 3600;

/** What a token or a ticket is read from. */
export interface ErrcodeAnswer {
  readonly field: 'access_token' | 'ticket';
  /** The platform's message if it is one that may be shown, else an empty text. */
  readonly messageOf: (errmsg: unknown, value: unknown) => string;
}

/**
 * Reads an answer with `errcode`, `errmsg`, a value and `expires_in`, as WeChat's relatives give. Whatever is not exactly a
 * token or an errcode is `unknown`, with a cause that names the fault and quotes nothing.
 */
export function readErrcodeAnswer(body: string, { field, messageOf }: ErrcodeAnswer): IssueOutcome {
  const answer = parseJsonObject(body);
  if (!answer) {
    return unknown('is not a JSON object', faultOfBody(body));
  }

  const { errcode: givenErrcode = 0, [field]: value, expires_in: givenSeconds } = answer;
  const [errcode, expiresInSeconds] = [numberOf(givenErrcode), numberOf(givenSeconds)];
  if (!isInteger(errcode)) return unknown('has an errcode that is not an integer');
  if (errcode !== 0) {
    return { kind: 'refused', errcode, message: messageOf(answer.errmsg, value) };
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

/** Of a body that holds neither what was asked for nor an errcode. */
export function faultOfBody(body: string): FaultId {
  if (/^\s*</.test(body)) return 'answer_html';
  return parseJsonObject(body) ? 'answer_unexpected' : 'answer_not_json';
}

function unknown(what: string, fault: FaultId = 'answer_unexpected'): IssueOutcome {
  return { kind: 'unknown', cause: new NetworkFault(fault, `The platform's answer ${what}.`) };
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** Only an answer that may have one is parsed: most are not errors. */
const ERRCODE = '"errcode"';

/** The errcode of an answer of WeChat or WeCom to a business call; null where there is none, or 0. */
export function errcodeInAnswer({ json }: PlatformAnswer): number | null {
  if (!json?.includes(ERRCODE)) return null;
  const errcode = numberOf(parseJsonObject(json.toString())?.errcode);
  return typeof errcode === 'number' && errcode !== 0 ? errcode : null;
}
