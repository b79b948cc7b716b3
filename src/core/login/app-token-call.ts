import type { Clock } from '../ports/clock.js';
import type { LoginOutcome } from '../ports/login-provider.js';
import type { Deadline } from '../ports/token-issuer.js';
import type { LoginApp } from './login-app.js';
import { callInTime } from './login-call.js';

/** A call with the app's own token, and once more with the next one if that was dead: it was refused unread. */
export async function withAppToken<T>(
  app: LoginApp,
  clock: Clock,
  call: (token: string, deadline: Deadline) => Promise<LoginOutcome<T>>,
): Promise<LoginOutcome<T>> {
  const { tokens } = app;
  const ask = (token: string): Promise<LoginOutcome<T>> =>
    callInTime(app, clock, (deadline) => call(token, deadline));
  const token = await tokens.current();
  const first = await ask(token);
  if (first.kind !== 'refused' || first.meaning !== 'token_dead') return first;
  const second = await ask(await tokens.replace(token, first.errcode));
  if (second.kind !== 'refused' || second.meaning !== 'token_dead') return second;
  return { kind: 'not_sent', cause: new Error('the platform takes none of the tokens that it gave') };
}
