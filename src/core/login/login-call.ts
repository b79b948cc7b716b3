import type { Clock } from '../ports/clock.js';
import type { EventSink } from '../ports/events.js';
import type { LoginStore } from '../ports/login-store.js';
import type { LoginOutcome } from '../ports/login-provider.js';
import type { AppCredentials, Deadline } from '../ports/token-issuer.js';
import type { LoginApp } from './login-app.js';

/** What logins work with. */
export interface LoginPorts {
  readonly store: LoginStore;
  /** Of this process alone: stands in for the store while it is away. */
  readonly ownStore: LoginStore;
  readonly clock: Clock;
  readonly events: EventSink;
}

/** One call to the platform with the app's secret, which is told whether the platform took it. Never throws. */
export async function callWithSecret<T>(
  app: LoginApp,
  clock: Clock,
  call: (credentials: AppCredentials, deadline: Deadline) => Promise<LoginOutcome<T>>,
): Promise<LoginOutcome<T>> {
  const appSecret = app.secrets.proven;
  if (appSecret === null) return { kind: 'not_sent', cause: new Error('there is no AppSecret yet') };
  const credentials = { app: app.name, appId: app.appId, appSecret };
  const outcome = await callInTime(app, clock, (deadline) => call(credentials, deadline));
  if (outcome.kind === 'answered') app.secrets.accepted(appSecret);
  if (outcome.kind === 'refused' && outcome.secretRejected) {
    const { errcode, message } = outcome;
    app.secrets.rejected(appSecret, clock.monotonicMs(), { errcode, message, atMs: clock.wallMs() });
  }
  return outcome;
}

/** One call to the platform within the app's time limit. Never throws. */
export async function callInTime<T>(
  { timeoutMs }: LoginApp,
  clock: Clock,
  call: (deadline: Deadline) => Promise<LoginOutcome<T>>,
): Promise<LoginOutcome<T>> {
  const controller = new AbortController();
  const cancel = clock.after(timeoutMs, () => {
    controller.abort();
  });
  try {
    return await call({ signal: controller.signal, timeoutMs });
  } catch (error) {
    return { kind: 'unknown', cause: error instanceof Error ? error : new Error('the call failed') };
  } finally {
    cancel();
  }
}
