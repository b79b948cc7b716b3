import { type Clock, withDeadline } from '../ports/clock.js';
import type { EventSink } from '../ports/events.js';
import type { LoginStore } from '../ports/login-store.js';
import type { LoginOutcome, UserTokens } from '../ports/login-provider.js';
import type { AppCredentials, Deadline } from '../ports/token-issuer.js';
import type { LoginApp } from './login-app.js';

/** What logins work with. */
export interface LoginPorts {
  readonly store: LoginStore;
  /** The store of this process alone, which stands in while the shared one is away. */
  readonly ownStore: LoginStore;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** What a single call works with. */
export type CallPorts = Pick<LoginPorts, 'clock' | 'events'>;

/** One call to the platform with the app's secret, which is told whether the platform took it. Never throws. */
export async function callWithSecret<T>(
  app: LoginApp,
  clock: Clock,
  call: (credentials: AppCredentials, deadline: Deadline) => Promise<LoginOutcome<T>>,
): Promise<LoginOutcome<T>> {
  const appSecret = app.secrets.proven;
  if (appSecret === null) return { kind: 'not_sent', cause: new Error('there is no AppSecret yet') };
  const credentials = { app: app.name, appId: app.appId, appSecret };
  const outcome = await inTime(app, clock, (deadline) => call(credentials, deadline));
  if (outcome.kind === 'answered') app.secrets.accepted(appSecret);
  if (outcome.kind === 'refused' && outcome.secretRejected) {
    const { errcode, message } = outcome;
    app.secrets.rejected(appSecret, clock.monotonicMs(), { errcode, message, atMs: clock.wallMs() });
  }
  return outcome;
}

/** A user's next tokens; null where the platform has no such call. Never throws. */
export async function refreshTokens(
  app: LoginApp,
  { clock, events }: CallPorts,
  refreshToken: string,
): Promise<LoginOutcome<UserTokens> | null> {
  const refresh = app.login.refresh?.bind(app.login);
  if (!refresh) return null;
  const outcome = await callWithSecret(app, clock, (credentials, deadline) =>
    refresh(credentials, refreshToken, deadline),
  );
  return told(app, events, outcome);
}

/** One call to the platform within the app's time limit. Never throws. */
export async function callInTime<T>(
  app: LoginApp,
  { clock, events }: CallPorts,
  call: (deadline: Deadline) => Promise<LoginOutcome<T>>,
): Promise<LoginOutcome<T>> {
  return told(app, events, await inTime(app, clock, call));
}

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

/** The app's own token needs no consent: what it may not do, the account may not. */
function asOfApp<T>(outcome: LoginOutcome<T>): LoginOutcome<T> {
  const isForbidden = outcome.kind === 'refused' && outcome.meaning === 'scope_missing';
  return isForbidden ? { ...outcome, meaning: 'app_misconfigured' } : outcome;
}

/** A refusal of the app itself: callers are told no more than that, so those who run the broker have to be. */
function told<T>(app: LoginApp, events: EventSink, outcome: LoginOutcome<T>): LoginOutcome<T> {
  if (outcome.kind === 'refused' && outcome.meaning === 'app_misconfigured') {
    const { errcode, message, remedy } = outcome;
    events.emit({ app: app.name, kind: 'login_call_refused', errcode, message, remedy });
  }
  return outcome;
}

async function inTime<T>(
  { timeoutMs }: LoginApp,
  clock: Clock,
  call: (deadline: Deadline) => Promise<LoginOutcome<T>>,
): Promise<LoginOutcome<T>> {
  try {
    return await withDeadline(clock, timeoutMs, call);
  } catch (error) {
    return { kind: 'unknown', cause: error instanceof Error ? error : new Error('the call failed') };
  }
}
