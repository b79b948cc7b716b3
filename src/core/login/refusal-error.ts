import type { LoginOutcome, LoginRefusal } from '../ports/login-provider.js';
import type { LoginAnswer } from '../ports/login-store.js';
import type { Exchanged } from './code-exchange.js';
import type { LoginApp } from './login-app.js';
import { LoginError, type LoginErrorCode } from './login-error.js';

const MINUTE_SECONDS = 60;
const UPSTREAM_RETRY_SECONDS = 5;

const CODE_OF: Readonly<Record<LoginRefusal, LoginErrorCode | null>> = {
  code_used: 'code_used',
  code_invalid: 'code_invalid',
  code_expired: 'code_expired',
  outcome_unknown: 'exchange_outcome_unknown',
  reauthorize_required: 'reauthorize_required',
  scope_missing: 'scope_missing',
  user_blocked: 'user_blocked',
  rate_limited: 'rate_limited',
  app_misconfigured: 'app_misconfigured',
  token_dead: 'reauthorize_required',
  session_stale: 'reauthorize_required',
  data_invalid: 'data_invalid',
  other: null,
};

type Refusal = Pick<
  Extract<LoginOutcome<never>, { kind: 'refused' }>,
  'errcode' | 'meaning' | 'retryAfterMs'
>;

/** What a caller is told of a refusal of the platform; `other`: of one that nobody knows. */
export function refusalError(
  { errcode, meaning, retryAfterMs }: Refusal,
  other: LoginErrorCode = 'upstream_unavailable',
): LoginError {
  const code = CODE_OF[meaning] ?? other;
  const waitSeconds = retryAfterMs === undefined ? MINUTE_SECONDS : Math.ceil(retryAfterMs / 1000);
  return new LoginError(code, {
    errcode,
    ...(code === 'rate_limited' && { retryAfterSeconds: waitSeconds }),
  });
}

/** What a caller is told when a call that spends nothing brought no answer. */
export function unansweredError(app: LoginApp, cause: Error): LoginError {
  if (app.secrets.missing !== null) return new LoginError('app_misconfigured', { cause });
  return new LoginError('upstream_unavailable', { retryAfterSeconds: UPSTREAM_RETRY_SECONDS, cause });
}

/** The value of an answer. Throws `LoginError` for everything else. */
export function answered<T>(app: LoginApp, outcome: LoginOutcome<T>): T {
  if (outcome.kind === 'answered') return outcome.value;
  throw outcome.kind === 'refused' ? refusalError(outcome) : unansweredError(app, outcome.cause);
}

/** What a service is told of an exchange. Throws `LoginError` for all but an answer. */
export function answerOf(app: LoginApp, exchanged: Exchanged): LoginAnswer {
  switch (exchanged.kind) {
    case 'answered':
      if (exchanged.answer) return exchanged.answer;
      throw new LoginError('code_used');
    case 'refused':
      throw refusalError(exchanged, 'code_invalid');
    case 'lost':
      throw new LoginError('exchange_outcome_unknown');
    case 'not_sent':
      throw unansweredError(app, exchanged.cause);
    case 'spent':
      throw new LoginError(exchanged.byAnother || exchanged.login === null ? 'code_used' : 'state_used');
    case 'unknown':
    case 'expired':
    case 'mismatch':
    case 'used':
      throw new LoginError(`state_${exchanged.kind}`);
  }
}
