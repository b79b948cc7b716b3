import type { IncomingMessage, ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { Callers } from '../auth/callers.js';
import type { HttpObserver } from '../common/request.js';
import { ClientLimits, type LimitSettings } from './client-limits.js';
import { HeldRequests } from './held-requests.js';

describe('the requests of a client that floods', () => {
  let clock: ManualClock;
  let held: HeldRequests;
  let seen: string[];

  beforeEach(() => {
    clock = new ManualClock();
    seen = [];
    const rate = { requestsPerSecond: 5000, burst: 1 };
    const settings = { rate, clients: [{ name: 'busy' }], auth: { failuresPerMinute: 60 }, limits: {} };
    const observer = { overloaded: () => undefined } as unknown as HttpObserver;
    const limits = new ClientLimits(settings as unknown as LimitSettings, clock, observer);
    for (let refusal = 0; refusal <= 10; refusal += 1)
      limits.refusal('busy', clock.monotonicMs(), '192.0.2.1');
    const callers = { of: () => ({ kind: 'ok', client: { name: 'busy' } }) } as unknown as Callers;
    held = new HeldRequests(limits, callers, clock);
  });

  const hold = (name: string, response: { destroyed: boolean } = { destroyed: false }) =>
    held.hold({ headers: {}, socket: {} } as IncomingMessage, response as ServerResponse, () => {
      seen.push(name);
      void turn().then(() => seen.push('others'));
    });
  const turns = async () => {
    for (let count = 0; count < 20; count += 1) await turn();
  };

  it('go on one by one, at its rate, and others have their turn between any two', async () => {
    expect(['1', '2', '3', '4'].map((name) => hold(name))).toEqual([false, true, true, true]);
    await clock.advance(10);
    await turns();
    expect(seen).toEqual(['2', 'others', '3', 'others', '4', 'others']);
    expect(held.count).toBe(0);
  });

  it('do not go on before their time', async () => {
    for (const name of ['1', '2', '3', '4', '5', '6', '7']) hold(name);
    await clock.advance(1);
    await turns();
    expect(seen).toContain('4');
    expect(seen).not.toContain('7');
    expect(held.count).toBeGreaterThan(0);
  });

  it('go on when one of them fails', async () => {
    hold('1');
    const failing = { destroyed: false } as ServerResponse;
    held.hold({ headers: {}, socket: {} } as IncomingMessage, failing, () => {
      throw new Error('handle');
    });
    hold('2');
    await expect(clock.advance(10)).rejects.toThrow('handle');
    await turns();
    expect([seen, held.count]).toEqual([['2', 'others'], 0]);
  });

  it('are dropped when their caller has gone', async () => {
    hold('1');
    const gone = { destroyed: false };
    hold('2', gone);
    gone.destroyed = true;
    await clock.advance(10);
    await turns();
    expect([seen, held.count]).toEqual([[], 0]);
  });
});
