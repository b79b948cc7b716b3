import type { ErrorCode } from '../../src/core/error-code.js';
import type { LoginRefusal } from '../../src/core/ports/login-provider.js';
import type { FetchReason } from '../../src/core/token.js';
import { Metrics, type AppSource, MetricsObserver } from '../../src/observability/metrics.js';
import { pino } from 'pino';
import { CountingHttpObserver } from '../../src/observability/edge.observer.js';
import { ManualClock } from './manual-clock.js';
import { FakeBroker } from './fake-broker.js';

/** A `lastError`, but for its class. */
export const REFUSED = { errcode: 40125, message: 'invalid appsecret', remedy: 'Correct it.', atMs: 0 };

export function sourceOf(broker: FakeBroker): AppSource {
  return { statuses: () => broker.apps.map((app) => broker.status(app)) };
}

/** Metrics of a broker that has these apps, and what tells them of fetches. */
export function watching(...apps: readonly string[]) {
  const broker = new FakeBroker(apps);
  const errcodes = [-1, 45011, 45009];
  const metrics = new Metrics('1.2.3', new Map([['wechat', errcodes]]));
  metrics.watch(sourceOf(broker));
  const observer = new MetricsObserver(metrics.catalogue, errcodes);
  const fetched = (app: string, reason: FetchReason, errcode: ErrorCode | null = null): void => {
    observer.emit({
      app,
      kind: 'fetch_ended',
      reason,
      outcome: errcode === null ? 'issued' : 'refused',
      durationMs: 80,
      errcode,
      message: null,
      remedy: null,
      retryInMs: null,
    });
  };
  const loggedIn = (app: string, meaning: LoginRefusal | null, errcode: ErrorCode | null = null): void => {
    observer.emit({
      app,
      kind: 'login_exchanged',
      surface: 'native',
      outcome: meaning === null ? 'answered' : 'refused',
      meaning,
      durationMs: 80,
      errcode,
      message: null,
      remedy: null,
    });
  };
  const http = new CountingHttpObserver(metrics, pino({ enabled: false }), new ManualClock());
  return { broker, metrics, observer, http, fetched, loggedIn };
}

/** The samples of our metrics, by name and labels as they are written. */
export async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const text = String(await metrics.render());
  const samples = text.matchAll(/^(?:tokenbroker_)(\S+) (\S+)$/gm);
  return new Map([...samples].map(([, key = '', value]) => [key, Number(value)]));
}
