import { parseJsonObject } from '../../core/json-object.js';
import type { PlatformAnswer } from '../../core/ports/gateway-profile.js';
import type { IssueOutcome } from '../../core/ports/token-issuer.js';
import { type FaultId, faultOfStatus, NetworkFault } from './network-fault.js';

/** Real answers have some 200 bytes. Counted after decompression. */
export const MAX_ANSWER_BYTES = 64 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Follows the base URL; may be empty. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; `URLSearchParams` as a form. */
  readonly data?: object;
}

/**
 * `answered`: a 2xx or 4xx with its body as text, whatever the content type says. Whether a 4xx proves a refusal, the
 * platform decides; see `okOnly`. `not_sent` and `unknown` are as in `IssueOutcome`; a redirect, a 5xx and a 407 are
 * `unknown` whatever their body says.
 */
export type HttpReply =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Names in lower case. */
      readonly headers: Readonly<Record<string, unknown>>;
      readonly body: string;
    }
  | Extract<IssueOutcome, { cause: Error }>;

/** For a platform that answers its refusals with 2xx: any other status came from something in between, and proves nothing. */
export function okOnly(reply: HttpReply): HttpReply {
  return reply.kind === 'answered' && reply.status > 299 ? unproven(reply.status, reply.headers) : reply;
}

/** What a whole answer proves by its status: a 5xx or one of a proxy proves nothing. */
export function replyOf(status: number, headers: Readonly<Record<string, unknown>>, body: string): HttpReply {
  const isAnswer = (status >= 200 && status <= 299) || (status >= 400 && status <= 499 && status !== 407);
  return isAnswer ? { kind: 'answered', status, headers, body } : unproven(status, headers);
}

/** What is known of a request without an answer. `why` is words, or a code of Node's. */
export interface Trouble {
  readonly fault: FaultId;
  readonly why: string;
}

/** @param mayBeSent false: the platform got no byte of the request */
export function replyOfTrouble(baseUrl: string, mayBeSent: boolean, { fault, why }: Trouble): HttpReply {
  const origin = URL.canParse(baseUrl) ? new URL(baseUrl).origin : 'what is no URL';
  const message = mayBeSent
    ? `The platform at ${origin} gave no complete answer: ${why}.`
    : `No connection to the platform at ${origin}: ${why}.`;
  return { kind: mayBeSent ? 'unknown' : 'not_sent', cause: new NetworkFault(fault, message) };
}

function unproven(status: number, headers: Readonly<Record<string, unknown>>): HttpReply {
  const message = `The platform answered with HTTP status ${status}.`;
  return { kind: 'unknown', cause: new NetworkFault(faultOfStatus(status), message, retryAfterMs(headers)) };
}

/** The header Retry-After: seconds, or a date, which is read by the server's own clock (RFC 9110 10.2.3). */
export function retryAfterMs(headers: Readonly<Record<string, unknown>>): number | undefined {
  const [value, date] = [String(headers['retry-after']), String(headers.date)];
  const ms = /^\d{1,7}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(date);
  return ms > 0 ? ms : undefined;
}

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
