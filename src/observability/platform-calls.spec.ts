import { ManualClock } from '../../test/support/manual-clock.js';
import type { BrokerEvent } from '../core/ports/events.js';
import { PlatformCalls } from './platform-calls.js';

const HOSTS = new Map([
  ['shop', 'api.example.com'],
  ['blog', 'api.example.com'],
  ['hr', 'corp.example.com'],
]);
const ended = (app: string, outcome: 'issued' | 'refused' | 'not_sent' | 'unknown'): BrokerEvent => ({
  app,
  kind: 'fetch_ended',
  reason: 'scheduled',
  outcome,
  durationMs: 1,
  errcode: null,
  message: outcome === 'issued' ? null : 'connection refused',
  remedy: outcome === 'issued' ? null : 'Look at the way out.',
  retryInMs: null,
});

describe('whether platforms can be reached', () => {
  it('follows from the last call of each app, and a refusal is an answer', () => {
    const clock = new ManualClock();
    const calls = new PlatformCalls(clock);
    for (const event of [ended('shop', 'issued'), ended('hr', 'refused'), ended('blog', 'not_sent')])
      calls.emit(event);
    const nowMs = clock.wallMs();
    expect(calls.states(HOSTS)).toEqual([
      {
        host: 'api.example.com',
        ok: false,
        apps: 2,
        failingApps: 1,
        message: 'connection refused',
        remedy: 'Look at the way out.',
        lastAnswerAtMs: nowMs,
      },
      {
        host: 'corp.example.com',
        ok: true,
        apps: 1,
        failingApps: 0,
        message: null,
        remedy: null,
        lastAnswerAtMs: nowMs,
      },
    ]);
    calls.emit({ app: 'blog', kind: 'probed', outcome: 'rejected', durationMs: 1 });
    expect(calls.states(HOSTS)).toMatchObject([{ ok: true, failingApps: 0 }, { ok: true }]);
  });

  it('is not in doubt before the first call', () => {
    expect(new PlatformCalls(new ManualClock()).states(HOSTS)).toMatchObject([
      { ok: true, lastAnswerAtMs: null },
      { ok: true, lastAnswerAtMs: null },
    ]);
  });

  it('is forgotten of apps that are gone, and of no others', () => {
    const calls = new PlatformCalls(new ManualClock());
    for (const app of HOSTS.keys()) calls.emit(ended(app, 'unknown'));
    calls.states(new Map([['shop', 'api.example.com']]));
    expect(calls.states(HOSTS)).toMatchObject([{ failingApps: 2 }, { failingApps: 1 }]);
    calls.keep(['shop']);
    expect(calls.states(HOSTS)).toMatchObject([{ failingApps: 1 }, { failingApps: 0 }]);
  });
});
