import type { LoginOutcome } from '../ports/login-provider.js';
import type { Deadline } from '../ports/token-issuer.js';
import type { LoginApp } from './login-app.js';
import { callInTime, type CallPorts } from './login-call.js';

/** A call with the app's own token, and once more with the next one if that was dead: it was refused unread. */
export async function withAppToken<T>(
  app: LoginApp,
  ports: CallPorts,
  call: (token: string, deadline: Deadline) => Promise<LoginOutcome<T>>,
): Promise<LoginOutcome<T>> {
  const { tokens } = app;
  const ask = (token: string): Promise<LoginOutcome<T>> =>
    callInTime(app, ports, async (deadline) => asOfApp(await call(token, deadline)));
  const token = await tokens.current();
  const first = await ask(token);
  if (first.kind !== 'refused' || first.meaning !== 'token_dead') return first;
  const second = await ask(await tokens.replace(token, first.errcode));
  if (second.kind !== 'refused' || second.meaning !== 'token_dead') return second;
  return { kind: 'not_sent', cause: new Error('the platform takes none of the tokens that it gave') };
}

/** No user has granted the app's own token: what it may not do, the account may not. */
function asOfApp<T>(outcome: LoginOutcome<T>): LoginOutcome<T> {
  const isForbidden = outcome.kind === 'refused' && outcome.meaning === 'scope_missing';
  return isForbidden ? { ...outcome, meaning: 'app_misconfigured' } : outcome;
}
