import { ManualClock } from '../../test/support/manual-clock.js';
import type { BrokerEvent } from '../core/ports/events.js';
import { PlatformCalls } from './platform-calls.js';

const HOUR_MS = 60 * 60_000;
const FAULT = { message: 'connection refused', remedy: 'Look at the way out.' };
const ended = (app: string, outcome: 'issued' | 'refused' | 'not_sent' | 'unknown'): BrokerEvent => ({
  app,
  kind: 'fetch_ended',
  reason: 'scheduled',
  outcome,
  durationMs: 1,
  errcode: null,
  ...(outcome === 'issued' ? { message: null, remedy: null } : FAULT),
  retryInMs: null,
});

describe('whether platforms can be reached', () => {
  let hosts: Map<string, string>;
  let clock: ManualClock;
  let calls: PlatformCalls;
  const apps = () => [...hosts.keys()];

  beforeEach(() => {
    hosts = new Map([
      ['shop', 'api.example.com'],
      ['blog', 'api.example.com'],
      ['hr', 'corp.example.com'],
    ]);
    clock = new ManualClock();
    calls = new PlatformCalls(clock, (app) => hosts.get(app) ?? null);
  });

  it('follows from the last call to each host, and a refusal is an answer', () => {
    for (const event of [ended('shop', 'issued'), ended('hr', 'refused'), ended('blog', 'not_sent')])
      calls.emit(event);
    const nowMs = clock.wallMs();
    expect(calls.reaches(apps())).toEqual([
      { host: 'api.example.com', lastAnswerAtMs: nowMs, failingApps: 1, fault: { atMs: nowMs, ...FAULT } },
      { host: 'corp.example.com', lastAnswerAtMs: nowMs, failingApps: 0, fault: null },
    ]);
    expect([...calls.failingAt('api.example.com')]).toEqual(['blog']);
    calls.emit({ app: 'blog', kind: 'probed', outcome: 'rejected', durationMs: 1 });
    expect(calls.reaches(apps())).toMatchObject([{ fault: null, failingApps: 0 }, {}]);
  });

  it('is not known before the first call, nor from a try without an answer', () => {
    calls.emit({ app: 'shop', kind: 'probed', outcome: 'no_answer', durationMs: 1 });
    expect(calls.reaches(apps())).toEqual([]);
    calls.emit({ app: 'shop', kind: 'probed', outcome: 'no_answer', errcode: 45009, durationMs: 1 });
    expect(calls.reaches(apps())).toMatchObject([{ host: 'api.example.com', fault: null }]);
  });

  it('is said for half an hour more where another replica got the token', async () => {
    calls.emit(ended('shop', 'unknown'));
    await clock.advance(3 * HOUR_MS);
    expect(calls.reaches(apps())).toMatchObject([{ failingApps: 1, fault: FAULT }]);
    calls.emit(ended('shop', 'unknown'));
    calls.emit({ app: 'shop', kind: 'adopted', generation: 2, fingerprint: null, isFound: false });
    expect(calls.reaches(apps())).toMatchObject([{ failingApps: 0, fault: FAULT }]);
    await clock.advance(HOUR_MS / 2);
    expect(calls.reaches(apps())).toMatchObject([{ failingApps: 0, fault: null }]);
  });

  it('is forgotten of apps that are gone or have moved, and of no others', () => {
    for (const app of apps()) calls.emit(ended(app, 'unknown'));
    expect(calls.reaches(apps())).toMatchObject([{ failingApps: 2 }, { failingApps: 1 }]);
    hosts.delete('hr');
    hosts.set('blog', 'proxy.example.com');
    expect(calls.reaches(apps())).toMatchObject([{ host: 'api.example.com', failingApps: 1 }]);
  });
});
