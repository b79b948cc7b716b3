import type { LoginAnswer } from '../ports/login-store.js';
import type { Exchanged } from './code-exchange.js';
import type { LoginApp } from './login-app.js';
import { LoginError } from './login-error.js';
import { refusalError, unansweredError } from './refusal-error.js';

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
