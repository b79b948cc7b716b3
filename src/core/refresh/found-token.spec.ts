import {
  APP,
  CLASSIC_RULE,
  createBroker,
  REFRESH,
  STABLE_RULE,
  type BrokerFixture,
} from '../../../test/support/create-broker.js';
import { settle } from '../../../test/support/manual-clock.js';
import type { RefreshSettings } from '../app-definition.js';
import type { ProbeOutcome } from '../ports/token-issuer.js';
import type { TokenBroker } from '../broker.js';

interface Restarted {
  readonly fixture: BrokerFixture;
  /** A replica that starts when there is a token in the store. */
  readonly broker: TokenBroker;
  readonly answer: (outcome: ProbeOutcome) => Promise<void>;
}

async function restarted(refresh: Partial<RefreshSettings> = {}): Promise<Restarted> {
  const fixture = createBroker(refresh);
  await fixture.start();
  let settleProbe: (outcome: ProbeOutcome) => void = () => undefined;
  fixture.issuer.probeOutcome = new Promise((resolve) => {
    settleProbe = resolve;
  });
  const broker = fixture.sibling();
  await broker.start();
  await settle();
  return {
    fixture,
    broker,
    answer: async (outcome) => {
      settleProbe(outcome);
      await settle();
    },
  };
}

describe('a token that was in the store when the process started', () => {
  it('is not served, and nobody who watches is told, before the platform was asked about it', async () => {
    const { fixture, broker, answer } = await restarted();
    const told: string[] = [];
    broker.subscribe(APP, ({ record }) => told.push(record.value));
    const asked = broker.current(APP);
    await settle();
    expect([broker.held(APP), told]).toEqual([undefined, []]);
    await answer('accepted');
    expect((await asked).record.value).toBe('token-1');
    expect(broker.held(APP)?.record.value).toBe('token-1');
    expect(told).toEqual(['token-1']);
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('is tried once, and so is none that comes later', async () => {
    const { fixture, broker, answer } = await restarted();
    await answer('accepted');
    await fixture.broker.report(APP, { caller: 'orders', force: true });
    await settle();
    for (let round = 0; round < 3; round += 1) {
      await fixture.run(2 * REFRESH.reconcileMs);
      broker.runDue();
      await settle();
    }
    expect(broker.held(APP)?.record.value).toBe('token-2');
    expect(fixture.issuer.probed).toEqual(['token-1']);
  });

  it('is replaced by one fetch when the platform refuses it', async () => {
    const { fixture, broker, answer } = await restarted();
    const told: string[] = [];
    broker.subscribe(APP, ({ record }) => told.push(record.value));
    const asked = broker.current(APP);
    await answer('rejected');
    expect((await asked).record.value).toBe('token-2');
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(told).toEqual(['token-2']);
    expect(broker.status(APP).state).toBe('ok');
  });

  it('is replaced although nobody asks', async () => {
    const { fixture, broker, answer } = await restarted();
    await answer('rejected');
    expect(broker.held(APP)).toBeUndefined();
    broker.runDue();
    await settle();
    expect(broker.held(APP)?.record.value).toBe('token-2');
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('is not served again when the platform refuses it and gives no other', async () => {
    const { fixture, broker, answer } = await restarted();
    fixture.issuer.next.push(fixture.issuer.refuse(-1));
    const asked = expect(broker.current(APP)).rejects.toMatchObject({ code: 'token_expired', errcode: -1 });
    await answer('rejected');
    await asked;
    broker.runDue();
    await settle();
    expect(broker.held(APP)).toBeUndefined();
  });

  it('is served, and that is said, when the platform gives no answer', async () => {
    const { fixture, broker, answer } = await restarted();
    await answer('no_answer');
    expect(broker.held(APP)?.record.value).toBe('token-1');
    expect(fixture.emitted).toContainEqual(
      expect.objectContaining({ kind: 'found_token_tried', outcome: 'no_answer' }),
    );
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('is tried again when the platform gave no answer, and replaced if it is dead', async () => {
    const { fixture, broker, answer } = await restarted();
    await answer('no_answer');
    fixture.issuer.probeOutcome = 'rejected';
    await fixture.clock.advance(REFRESH.reconcileMs);
    for (let turn = 0; turn < 2; turn += 1) {
      broker.runDue();
      await settle();
    }
    expect(fixture.issuer.probed).toEqual(['token-1', 'token-1']);
    expect(broker.held(APP)?.record.value).toBe('token-2');
  });

  it('is tried more and more rarely, seven times at most, while the platform gives no answer', async () => {
    const { fixture, broker, answer } = await restarted();
    await answer('no_answer');
    fixture.issuer.probeOutcome = 'no_answer';
    for (let ms = 0; ms < 600_000; ms += 1000) {
      await fixture.clock.advance(1000);
      broker.runDue();
      await settle();
    }
    expect(fixture.issuer.probed).toHaveLength(7);
    expect([broker.held(APP)?.record.value, fixture.issuer.calls.length]).toEqual(['token-1', 1]);
  });

  it('is waited for for 2 seconds', async () => {
    const { fixture, broker } = await restarted();
    const asked = broker.current(APP);
    await fixture.clock.advance(1999);
    expect(broker.held(APP)).toBeUndefined();
    await fixture.clock.advance(1);
    expect((await asked).record.value).toBe('token-1');
  });

  it('is served untried where reports are not verified', async () => {
    const { fixture, broker } = await restarted({ verifyReports: false });
    expect(broker.held(APP)?.record.value).toBe('token-1');
    expect(fixture.issuer.probed).toEqual([]);
  });

  it('is tried before a report of it, or of another one, is answered', async () => {
    const { broker, answer } = await restarted();
    const report = broker.report(APP, { caller: 'orders', accessToken: 'another', force: false });
    await settle();
    await answer('rejected');
    expect(await report).toMatchObject({ token: { record: { value: 'token-2' } } });
  });

  it('is tried for at most 64 apps at a time', async () => {
    const fixture = createBroker();
    const before = fixture.brokerOf(100);
    await before.start();
    await fixture.clock.advance(250);
    before.runDue();
    await fixture.clock.advance(250);
    let settleProbe: (outcome: ProbeOutcome) => void = () => undefined;
    fixture.issuer.probeOutcome = new Promise((resolve) => {
      settleProbe = resolve;
    });
    const broker = fixture.brokerOf(100);
    await broker.start();
    await fixture.clock.advance(250);
    expect(fixture.issuer.probed).toHaveLength(64);
    settleProbe('accepted');
    await fixture.clock.advance(250);
    broker.runDue();
    await fixture.clock.advance(250);
    expect(fixture.issuer.probed).toHaveLength(100);
  });

  describe('and that the platform accepts although it was replaced a moment before', () => {
    const OVERLAP_MS = 300_000;
    const TICK_MS = 250;

    async function accepted(isClassic: boolean) {
      const { fixture, broker, answer } = await restarted();
      fixture.issuer.rule = isClassic ? CLASSIC_RULE : STABLE_RULE;
      await answer('accepted');
      const run = async (ms: number): Promise<void> => {
        for (let leftMs = ms; leftMs > 0; leftMs -= TICK_MS) {
          await fixture.clock.advance(Math.min(TICK_MS, leftMs));
          broker.runDue();
          await settle();
        }
      };
      return { fixture, broker, run };
    }

    it('is replaced without a report when the platform refuses it in the middle of the overlap', async () => {
      const { fixture, broker, run } = await accepted(true);
      const told: string[] = [];
      broker.subscribe(APP, ({ record }) => told.push(record.value));
      fixture.issuer.probeOutcome = 'rejected';
      await run(OVERLAP_MS / 2 + TICK_MS);
      expect(fixture.issuer.probed).toEqual(['token-1', 'token-1']);
      expect(broker.held(APP)?.record.value).toBe('token-2');
      expect(told).toEqual(['token-2']);
      expect(fixture.issuer.calls).toHaveLength(2);
    });

    it('is replaced without a report when the platform refuses it after the overlap', async () => {
      const { fixture, broker, run } = await accepted(true);
      await run(OVERLAP_MS - TICK_MS);
      fixture.issuer.probeOutcome = 'rejected';
      expect(broker.held(APP)?.record.value).toBe('token-1');
      await run(2 * TICK_MS);
      expect(broker.held(APP)?.record.value).toBe('token-2');
    });

    it('is tried three times at most, and nobody waits for the second and the third try', async () => {
      const { fixture, broker, run } = await accepted(true);
      const told: string[] = [];
      broker.subscribe(APP, ({ record }) => told.push(record.value));
      fixture.issuer.probeOutcome = new Promise(() => undefined);
      await run(OVERLAP_MS / 2);
      expect(broker.held(APP)?.record.value).toBe('token-1');
      await run(5000);
      fixture.issuer.probeOutcome = 'accepted';
      await run(2 * OVERLAP_MS);
      expect(fixture.issuer.probed).toEqual(['token-1', 'token-1', 'token-1']);
      expect([broker.held(APP)?.record.value, fixture.issuer.calls.length, told]).toEqual(['token-1', 1, []]);
    });

    it('is tried once where a fetch does not replace the token before it', async () => {
      const { fixture, run } = await accepted(false);
      await run(2 * OVERLAP_MS);
      expect(fixture.issuer.probed).toEqual(['token-1']);
    });
  });
});
