import type { ErrorCode } from '../../core/error-code.js';
import type { GatewayApp } from '../../core/ports/gateway-profile.js';
import { HttpProblem } from '../common/problem.js';
import type { CallOutcome } from './gateway-observer.js';
import { failureOf } from './upstream.js';

/** What an answer of a platform says of the call. */
interface AnswerWithErrcode {
  readonly status: number;
  /** Null: the platform refused nothing, as far as can be seen. */
  readonly errcode: ErrorCode | null;
}

/** With a 5xx nobody knows what has been carried out, whatever the body says. */
export function isTokenDead({ errors }: GatewayApp, { errcode, status }: AnswerWithErrcode): boolean {
  return errcode !== null && status < 500 && errors.explain(errcode).curedByNewToken === 'yes';
}

export function outcomeOfAnswer(api: GatewayApp, answer: AnswerWithErrcode): CallOutcome {
  if (isTokenDead(api, answer)) return 'token_dead';
  if (answer.status >= 500) return 'failed';
  return answer.errcode !== null || answer.status >= 300 ? 'rejected' : 'ok';
}

const OUTCOMES: Readonly<Partial<Record<string, CallOutcome>>> = {
  upstream_unavailable: 'unreachable',
  upstream_lost: 'lost',
  upstream_timeout: 'timeout',
};

export function outcomeOf(error: unknown): CallOutcome {
  return (error instanceof HttpProblem ? OUTCOMES[error.code] : undefined) ?? 'refused';
}

export function problemOf(error: unknown): HttpProblem {
  switch (failureOf(error)) {
    case 'not_sent':
      return new HttpProblem(
        'upstream_unavailable',
        `The platform cannot be reached: nothing was sent (${(error as Error).message}).`,
        { status: 502 },
      );
    case 'timeout':
      return new HttpProblem(
        'upstream_timeout',
        'The platform did not answer in time. Nobody knows whether it has carried the call out; it was sent once.',
      );
    case 'lost':
      return new HttpProblem(
        'upstream_lost',
        'The platform broke the connection off. Nobody knows whether it has carried the call out; it was sent once.',
      );
  }
}
