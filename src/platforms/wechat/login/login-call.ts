import { errorCodeOf } from '../../../core/error-code.js';
import { parseJsonObject, type JsonObject } from '../../../core/json-object.js';
import type { LoginOutcome, LoginRefusal } from '../../../core/ports/login-provider.js';
import type { Deadline } from '../../../core/ports/token-issuer.js';
import { okOnly, type HttpRequest, faultOfBody, numberOf } from '../../http/http-call.js';
import { NetworkFault, type FaultId } from '../../http/network-fault.js';
import type { PlatformApi } from '../../http/platform-api.js';
import { explain, knownMessage } from '../errcodes.js';

/** What WeChat's codes mean at its login calls; what is not here is `other`. */
const MEANINGS: Readonly<Record<number, LoginRefusal>> = {
  [-1]: 'outcome_unknown',
  40029: 'code_invalid',
  40163: 'code_used',
  42003: 'code_expired',
  40030: 'reauthorize_required',
  42002: 'reauthorize_required',
  42007: 'reauthorize_required',
  40226: 'user_blocked',
  48001: 'scope_missing',
  45009: 'rate_limited',
  45011: 'rate_limited',
  40003: 'data_invalid',
  40001: 'token_dead',
  40014: 'token_dead',
  42001: 'token_dead',
  87009: 'session_stale',
  40002: 'app_misconfigured',
  40013: 'app_misconfigured',
  40125: 'app_misconfigured',
  40164: 'app_misconfigured',
  40243: 'app_misconfigured',
  41002: 'app_misconfigured',
  41004: 'app_misconfigured',
  50002: 'app_misconfigured',
  50004: 'app_misconfigured',
  50007: 'app_misconfigured',
  61024: 'app_misconfigured',
};

const RETRY_AFTER_MS: Readonly<Record<number, number>> = { 45011: 60_000, 45009: 3_600_000 };

/** A call that logs a user in, or needs a user who is. */
export interface LoginCall<T> {
  readonly request: HttpRequest;
  /** Of the request; no part of them may stand in the message of a refusal. */
  readonly secrets: readonly string[];
  /** Takes the AppSecret: 40001 is about that, not about a token. */
  readonly takesSecret?: boolean;
  /** Where a code means something else than at the other calls. */
  readonly meanings?: Readonly<Record<number, LoginRefusal>>;
  /** @returns what the answer says, or in words what is wrong with it */
  readonly read: (answer: JsonObject) => T | Unreadable;
}

/** An answer without something that the call is made for. */
export class Unreadable {
  constructor(readonly why: string) {}
}

/** One call to WeChat. Answers are JSON whatever their content type says, which is `text/plain` for all of `/sns/`. */
export async function callLogin<T>(
  api: PlatformApi,
  call: LoginCall<T>,
  deadline: Deadline,
): Promise<LoginOutcome<T>> {
  const reply = okOnly(await api.call(call.request, deadline));
  if (reply.kind !== 'answered') return reply;
  const { body } = reply;
  const answer = parseJsonObject(body);
  if (!answer) return unknown('is not a JSON object', faultOfBody(body));
  const errcode = numberOf(answer.errcode ?? 0);
  if (errcode !== 0) return refused(errcode, answer.errmsg, call);
  const value = call.read(answer);
  return value instanceof Unreadable ? unknown(value.why) : { kind: 'answered', value, body };
}

function refused<T>(given: unknown, errmsg: unknown, call: LoginCall<T>): LoginOutcome<T> {
  const errcode = errorCodeOf(given);
  if (typeof errcode !== 'number') return unknown('has an errcode that is not an integer');
  const { remedy, secretRejected } = explain(errcode);
  const isOfSecret = call.takesSecret === true && secretRejected;
  const meaning = isOfSecret ? 'app_misconfigured' : (call.meanings?.[errcode] ?? meaningOf(errcode));
  const message = knownMessage(errmsg, call.secrets);
  return {
    kind: 'refused',
    errcode,
    message: call.request.path.startsWith('/sns/') ? message.replace(/ (?=rid: )/, ', ') : message,
    meaning,
    remedy,
    secretRejected: isOfSecret,
    retryAfterMs: RETRY_AFTER_MS[errcode],
  };
}

/** 89000 and more is about the account or the address of the caller. */
function meaningOf(errcode: number): LoginRefusal {
  if (errcode >= 89_000 && errcode <= 89_999) return 'app_misconfigured';
  return MEANINGS[errcode] ?? 'other';
}

function unknown<T>(what: string, fault: FaultId = 'answer_unexpected'): LoginOutcome<T> {
  return { kind: 'unknown', cause: new NetworkFault(fault, `The platform's answer ${what}.`) };
}
