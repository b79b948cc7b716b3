import {
  APP,
  createBroker,
  FakeIssuer,
  servedValue,
  type BrokerFixture,
} from '../../../test/support/create-broker.js';
import { report, rotated } from '../../../test/support/reports.js';
import { sleep } from '../ports/clock.js';
import type { IssuanceRule } from '../ports/token-issuer.js';
import type { HeldToken } from '../token.js';

const RULE: IssuanceRule = {
  repeats: { sameUntilMs: 0 },
  previous: 'stays_valid',
  renewsOnFetch: false,
  canForce: false,
};
const LIFE_MS = 7_200_000;
const AHEAD_MS = 10_000;
const TICK_MS = 250;

/** Returns the same token to its end by the clock, however often it is asked. */
class RepeatingIssuer extends FakeIssuer {
  override rule = RULE;
  /** What a repeated token is said to live: what is left, rounded down, or the whole life. */
  says: 'rest' | 'full' = 'rest';
  /** How long there is no new token after the end of one. */
  holeMs = 0;
  /** How long its answers are on their way. */
  delayMs = 0;
  given = 0;
  private value = '';
  private endsMs = -Infinity;
  fixture!: BrokerFixture;

  override async issue(...args: Parameters<FakeIssuer['issue']>) {
    const answer = await super.issue(...args);
    if (this.delayMs > 0) await sleep(this.fixture.clock, this.delayMs);
    return answer;
  }

  override mint() {
    const nowMs = this.fixture.clock.monotonicMs();
    if (nowMs >= this.endsMs + (this.value === '' ? 0 : this.holeMs)) {
      this.given += 1;
      this.value = `token-${String(this.given)}`;
      this.endsMs = nowMs + LIFE_MS;
    }
    const leftSeconds = Math.max(0, Math.floor((this.endsMs - nowMs) / 1000));
    return {
      kind: 'issued' as const,
      value: this.value,
      expiresInSeconds: this.says === 'full' ? LIFE_MS / 1000 : leftSeconds,
    };
  }
}

async function started(
  changes: Partial<Pick<RepeatingIssuer, 'says' | 'holeMs' | 'delayMs'>> = {},
  aheadMs = AHEAD_MS,
) {
  const issuer = Object.assign(new RepeatingIssuer(), changes);
  const fixture = createBroker({ aheadMs, jitterMs: 0 }, { issuer });
  issuer.fixture = fixture;
  await fixture.start();
  return { fixture, issuer };
}

describe('a platform that returns the same token to its end', () => {
  it.each(['rest', 'full'] as const)(
    'is asked a few times in a rotation, whatever life it says: %s',
    async (says) => {
      const { fixture, issuer } = await started({ says });
      await fixture.run(3 * LIFE_MS - 60_000);
      expect(issuer.given).toBe(3);
      expect(issuer.calls.length / 3).toBeLessThanOrEqual(15);
      console.info(`${String(issuer.calls.length)} fetches in 3 rotations`);
    },
    60_000,
  );

  it('serves no token past the end that is known, although the platform says a full life each time', async () => {
    const { fixture } = await started({ says: 'full' });
    const { expiresAtMs } = fixture.broker.status(APP);
    await fixture.run(LIFE_MS - AHEAD_MS + 1000);
    expect(fixture.broker.status(APP).expiresAtMs).toBe(expiresAtMs);
  });

  it('makes callers wait for the next token at the end of one, and turns none away', async () => {
    const { fixture, issuer } = await started({ holeMs: 1500 });
    await fixture.run(LIFE_MS - TICK_MS);
    await fixture.clock.advance(TICK_MS);
    expect(servedValue(fixture)).toBeUndefined();
    const waiting = Array.from({ length: 20 }, () => fixture.broker.current(APP));
    await fixture.run(4000);
    const values = (await Promise.all(waiting)).map(({ record }) => record.value);
    expect(new Set(values)).toEqual(new Set(['token-2']));
    expect(issuer.calls.length).toBeLessThanOrEqual(15);
  });

  it.each([
    [300, 0],
    [450, 0],
    [1600, 0],
    [300, 200],
    [450, 200],
  ])(
    'turns nobody away when the old token, asked for 400 ms before its end, comes after %i ms and is stored after %i more',
    async (delayMs, storeMs) => {
      const { fixture, issuer } = await started({ holeMs: 1500 }, 400);
      const { clock, store, broker } = fixture;
      issuer.delayMs = delayMs;
      const commit = store.commit.bind(store);
      store.commit = async (...args) => {
        if (storeMs > 0) await sleep(clock, storeMs);
        return commit(...args);
      };
      await fixture.run(LIFE_MS - 1000);
      const asked: Promise<HeldToken>[] = [];
      for (let passedMs = 0; passedMs < 5000; passedMs += 50) {
        await fixture.run(50);
        asked.push(broker.current(APP));
      }
      await fixture.run(8000);
      const values = (await Promise.all(asked)).map(({ record }) => record.value);
      expect(new Set(values)).toEqual(new Set(['token-1', 'token-2']));
      expect(issuer.calls.length).toBeLessThanOrEqual(15);
    },
  );

  it('is asked again soon when it is busy after the end, whatever failed before', async () => {
    const { fixture, issuer } = await started();
    await fixture.run(LIFE_MS - TICK_MS);
    const ended = { kind: 'issued', value: 'token-1', expiresInSeconds: 0 } as const;
    issuer.next.push(ended, ended, ended, ...[1, 2, 3].map(() => issuer.refuse(-1)));
    await fixture.clock.advance(TICK_MS);
    expect(servedValue(fixture)).toBeUndefined();
    const waiting = fixture.broker.current(APP);
    await fixture.run(5000);
    expect((await waiting).record.value).toBe('token-2');
  });

  it('gives up after the time of one request when no next token comes', async () => {
    const { fixture } = await started({ holeMs: LIFE_MS });
    await fixture.run(LIFE_MS);
    const asked = fixture.broker.current(APP).then(
      () => 'served',
      (error: unknown) => error,
    );
    await fixture.run(20_000);
    expect(await asked).toMatchObject({
      code: 'token_expired',
      retryAfterSeconds: expect.any(Number) as number,
    });
    // It is not the way to the platform that is to be looked after.
    expect(fixture.broker.status(APP).lastError?.remedy).toContain('the platform gives the next token');
  });
});

describe('a dead token that the platform returns again', () => {
  async function returned() {
    const world = await started();
    world.issuer.probeOutcome = 'rejected';
    await world.fixture.run(60_000);
    return world;
  }

  it('is no rotation: the caller is told that the platform has no other', async () => {
    const { fixture } = await returned();
    await expect(report(fixture)).rejects.toMatchObject({
      code: 'upstream_rejected',
      message: expect.stringContaining('returns the same one at every fetch') as string,
      retryAfterSeconds: 30,
    });
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'suspect',
      lastError: { class: 'dead', remedy: expect.stringContaining("reset the app's secret") as string },
    });
  });

  it('costs few fetches, and no budget of forced ones, however often it is reported', async () => {
    const { fixture, issuer } = await returned();
    for (let second = 0; second < 1800; second += 5) {
      await report(fixture).catch(() => null);
      await fixture.run(5000);
    }
    expect(issuer.calls.length).toBeLessThanOrEqual(10);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'suspect', forcedToday: 0, reportsToday: 0 });
  });

  it('is replaced at its end, or by a report once the platform has another', async () => {
    const { fixture, issuer } = await returned();
    await report(fixture).catch(() => null);
    issuer.next.push({ kind: 'issued', value: 'token-9', expiresInSeconds: 7200 });
    await fixture.run(31_000);
    expect(await report(fixture)).toMatchObject(rotated('token-9'));
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });

  it('is an ordinary token again when the platform takes it after all', async () => {
    const { fixture, issuer } = await returned();
    await report(fixture).catch(() => null);
    issuer.probeOutcome = 'accepted';
    await fixture.run(31_000);
    expect(await report(fixture)).toMatchObject({ reason: 'still_valid' });
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok' });
  });
});
