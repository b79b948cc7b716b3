import { createLogin, refused } from '../../../test/support/create-login.js';
import type { LoginOutcome } from '../ports/login-provider.js';
import { AppSecrets } from '../app-secrets.js';
import type { LoginError } from './login-error.js';
import { answered, refusalError, unansweredError } from './refusal-error.js';

type Refusal = Extract<LoginOutcome<never>, { kind: 'refused' }>;

describe('what a caller is told', () => {
  it('of a limit: when to ask again, as the platform says it, else after a minute', () => {
    const limited = refused(45011, 'rate_limited') as Refusal;
    expect(refusalError(limited)).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 60 });
    expect(refusalError({ ...limited, retryAfterMs: 1500 })).toMatchObject({ retryAfterSeconds: 2 });
  });

  it('of a refusal that nobody knows: what the call says it means', () => {
    const odd = refused(99999, 'other') as Refusal;
    expect(refusalError(odd)).toMatchObject({ code: 'upstream_unavailable', errcode: 99999 });
    expect(refusalError(odd, 'code_invalid').code).toBe('code_invalid');
  });

  it('of a call without an answer: to come back, or that there is no secret', () => {
    const cause = new Error('connection refused');
    const { app } = createLogin();
    expect(unansweredError(app, cause)).toMatchObject({ code: 'upstream_unavailable', cause });
    const without = createLogin({ secrets: new AppSecrets({ fault: 'no such file' }) });
    expect(unansweredError(without.app, cause)).toMatchObject({ code: 'app_misconfigured' });
  });

  it('is the value where there is one', () => {
    const { app } = createLogin();
    expect(answered(app, { kind: 'answered', value: 7, body: '7' })).toBe(7);
    const thrown = (outcome: LoginOutcome<never>): string => {
      try {
        return answered(app, outcome);
      } catch (error) {
        return (error as LoginError).code;
      }
    };
    expect(thrown(refused(48001, 'scope_missing'))).toBe('scope_missing');
    expect(thrown({ kind: 'not_sent', cause: new Error('x') })).toBe('upstream_unavailable');
  });
});
