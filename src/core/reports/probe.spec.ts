import { APP, createBroker, type BrokerFixture } from '../../../test/support/create-broker.js';
import { kept, rotated } from '../../../test/support/reports.js';
import type { TokenBroker } from '../broker.js';
import type { ProbeOutcome } from '../ports/token-issuer.js';
import type { ReportAnswer } from './token-report.js';

const TIMEOUT_MS = 8000;

interface Replicas extends BrokerFixture {
  readonly brokers: readonly TokenBroker[];
  /** Reports the current token at each of these replicas. */
  readonly report: (...brokers: readonly (TokenBroker | undefined)[]) => Promise<readonly ReportAnswer[]>;
  /** The next probes wait for their answers, which come in this order. */
  readonly answer: (outcome: ProbeOutcome) => Promise<void>;
}

/** Three replicas that serve the same token. */
async function replicas(): Promise<Replicas> {
  const fixture = createBroker({ upstreamTimeoutMs: TIMEOUT_MS });
  const { issuer, clock } = fixture;
  await fixture.start();
  issuer.probeOutcome = 'accepted';
  const brokers = [fixture.broker, fixture.sibling(), fixture.sibling()];
  for (const broker of brokers.slice(1)) await broker.start();
  issuer.probed.length = 0;
  let resolveNext: (outcome: ProbeOutcome) => void = () => undefined;
  const hold = (): void => {
    issuer.probeOutcome = new Promise((resolve) => {
      resolveNext = resolve;
    });
  };
  hold();
  return {
    ...fixture,
    brokers,
    report: (...asked) =>
      Promise.all(
        asked.map((broker) =>
          (broker ?? fixture.broker).report(APP, {
            caller: 'orders',
            accessToken: 'token-1',
            force: false,
          }),
        ),
      ),
    answer: async (outcome) => {
      await clock.advance(0);
      const resolve = resolveNext;
      hold();
      resolve(outcome);
      await clock.advance(100);
    },
  };
}

describe('a token that callers of several replicas report at once', () => {
  it('costs one probe and one fetch when it is dead', async () => {
    const { report, brokers, answer, issuer, clock } = await replicas();
    const answers = report(...brokers, ...brokers);
    await answer('rejected');
    await clock.advance(1000);
    for (const one of await answers) expect(one).toMatchObject(rotated('token-2'));
    expect(issuer.probed).toEqual(['token-1']);
    expect(issuer.calls).toHaveLength(2);
  });

  it('costs one probe of each replica when it lives: none trusts what another one was told', async () => {
    const { report, brokers, answer, issuer } = await replicas();
    const answers = report(...brokers, ...brokers);
    await answer('accepted');
    expect(issuer.probed).toHaveLength(3);
    await answer('accepted');
    for (const one of await answers) expect(one).toMatchObject(kept('still_valid', 'token-1'));
    expect(issuer.probed).toHaveLength(3);
  });

  it('is answered within the time limit of one call, however long was waited for another replica', async () => {
    const { report, brokers, issuer, clock } = await replicas();
    const [here, there] = brokers;
    issuer.probeOutcome = new Promise(() => undefined);
    void report(here);
    await clock.advance(100);
    let answered = false;
    void report(there).then(() => (answered = true));
    await clock.advance(TIMEOUT_MS - 100);
    expect(answered).toBe(false);
    await clock.advance(200);
    expect(answered).toBe(true);
  });

  it('is replaced when it died while the first replica was being told that it lives', async () => {
    const { report, brokers, answer, issuer, clock } = await replicas();
    const [here, there] = brokers;
    const before = report(here);
    await clock.advance(100);
    const after = report(there);
    await answer('accepted');
    expect((await before)[0]).toMatchObject(kept('still_valid', 'token-1'));
    await answer('rejected');
    await clock.advance(1000);
    expect((await after)[0]).toMatchObject(rotated('token-2'));
    expect(issuer.probed).toHaveLength(2);
  });

  it('is tried by the next replica where the first got no answer', async () => {
    const { report, brokers, answer, issuer, clock } = await replicas();
    const [here, there] = brokers;
    const answers = report(here, there);
    await answer('no_answer');
    await answer('rejected');
    await clock.advance(1000);
    await answers;
    expect(issuer.probed).toHaveLength(2);
  });

  it('is tried by a replica itself once it has waited for half the time limit, as where the other one has died', async () => {
    const { report, brokers, answer, issuer, clock } = await replicas();
    const [here, there] = brokers;
    void report(here);
    await clock.advance(0);
    const alone = report(there);
    await clock.advance(TIMEOUT_MS / 2 - 100);
    expect(issuer.probed).toHaveLength(1);
    await clock.advance(200);
    expect(issuer.probed).toHaveLength(2);
    await answer('rejected');
    await clock.advance(1000);
    expect((await alone)[0]).toMatchObject(rotated('token-2'));
  });

  it.each([
    ['while the store is away', 'probe'],
    ['once it is known to be away', 'reconcile'],
  ] as const)('is tried by each replica %s', async (_when, command) => {
    const fixture = await replicas();
    const { report, brokers, issuer, clock } = fixture;
    fixture.cutStore(command);
    for (const broker of command === 'reconcile' ? brokers : [])
      await broker.current(APP, 1e15).catch(() => null);
    void report(...brokers);
    await clock.advance(100);
    expect(issuer.probed).toHaveLength(3);
  });
});
