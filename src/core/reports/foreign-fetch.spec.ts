import { ALL_COMMANDS, createBroker, type BrokerFixture, APP } from '../../../test/support/create-broker.js';
import { settle } from '../../../test/support/manual-clock.js';
import type { TokenReport } from './token-report.js';

const HOUR_MS = 3_600_000;

/** Its token has that age and lives for two hours; no tick has renewed it in between. */
async function aged(ageMs: number, refresh: Parameters<typeof createBroker>[0] = {}): Promise<BrokerFixture> {
  const fixture = createBroker(refresh);
  await fixture.start();
  await fixture.clock.advance(ageMs);
  return fixture;
}

function report(
  { broker }: Pick<BrokerFixture, 'broker'>,
  changes: Partial<TokenReport> = {},
): Promise<unknown> {
  return broker.report(APP, { caller: 'orders', force: false, ...changes });
}

function earlyDeaths({ emitted }: BrokerFixture): object[] {
  return emitted.filter(({ kind }) => kind === 'died_early');
}

describe('an early death', () => {
  it('is a token that the platform refuses long before its time', async () => {
    const fixture = await aged(HOUR_MS);
    const { generation } = fixture.broker.status(APP);
    await report(fixture);
    expect(earlyDeaths(fixture)).toEqual([
      { app: APP, kind: 'died_early', generation, ageMs: HOUR_MS, leftMs: HOUR_MS },
    ]);
  });

  it('is noticed once, however many callers and replicas report it', async () => {
    const fixture = await aged(HOUR_MS);
    const sibling = { broker: fixture.sibling() };
    fixture.issuer.probeOutcome = 'accepted';
    await sibling.broker.start();
    fixture.issuer.probeOutcome = 'rejected';
    await Promise.all([
      ...Array.from({ length: 10 }, () => report(fixture)),
      ...Array.from({ length: 10 }, () => report(sibling)),
      fixture.run(5000),
    ]);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(earlyDeaths(fixture)).toHaveLength(1);
  });

  it.each<[string, () => Promise<BrokerFixture>]>([
    [
      'a token that the platform may not have spread yet',
      async () => {
        const fixture = await aged(4000);
        await report(fixture);
        return fixture;
      },
    ],
    [
      'a token that two callers report without an answer of the platform',
      async () => {
        const fixture = await aged(HOUR_MS);
        fixture.issuer.probeOutcome = 'no_answer';
        await report(fixture);
        await report(fixture, { caller: 'billing' });
        return fixture;
      },
    ],
    [
      'a token whose refresh is due',
      async () => {
        const fixture = await aged(2 * HOUR_MS - 60_000);
        await report(fixture);
        return fixture;
      },
    ],
    [
      'a token that one of our own fetches may have replaced',
      async () => {
        const fixture = await aged(HOUR_MS);
        fixture.issuer.next.push({ kind: 'unknown', cause: new Error('connection reset') });
        await report(fixture, { force: true }).catch(() => undefined);
        await fixture.run(3000);
        await report(fixture);
        return fixture;
      },
    ],
    [
      'a token that is replaced for an administrator',
      async () => {
        const fixture = await aged(HOUR_MS);
        await report(fixture, { force: true });
        return fixture;
      },
    ],
    [
      'a token that is being replaced for an administrator while it is tried',
      async () => {
        const fixture = await aged(HOUR_MS);
        const { outcome, answer } = fixture.issuer.later();
        fixture.issuer.next.push(outcome);
        const forced = report(fixture, { force: true });
        await settle();
        const joined = report(fixture);
        await settle();
        answer(fixture.issuer.mint());
        await Promise.all([forced, joined]);
        return fixture;
      },
    ],
    [
      'a token that the platform hands out again',
      async () => {
        const fixture = await aged(HOUR_MS);
        fixture.issuer.next.push(fixture.issuer.again(), fixture.issuer.again());
        await report(fixture);
        return fixture;
      },
    ],
    [
      'a token that is believed to be dead without a proof',
      async () => {
        const fixture = await aged(HOUR_MS, { verifyReports: false });
        await report(fixture);
        return fixture;
      },
    ],
    [
      'a token that could not be tried',
      async () => {
        const fixture = await aged(HOUR_MS);
        fixture.issuer.probeOutcome = 'no_answer';
        await report(fixture);
        return fixture;
      },
    ],
    [
      'a token that nobody can replace: the refusal says why it died',
      async () => {
        const fixture = await aged(HOUR_MS);
        fixture.issuer.next.push(fixture.issuer.refuse(40125));
        await expect(report(fixture)).rejects.toMatchObject({ code: 'upstream_rejected' });
        return fixture;
      },
    ],
    [
      'a token that others may have replaced while the store is away',
      async () => {
        const fixture = await aged(HOUR_MS);
        fixture.cutStore(...ALL_COMMANDS);
        await report(fixture);
        return fixture;
      },
    ],
  ])('is not %s', async (_what, story) => {
    const fixture = await story();
    expect(fixture.issuer.calls.length).toBeGreaterThan(1);
    expect(earlyDeaths(fixture)).toEqual([]);
  });
});

describe('every report', () => {
  it.each([
    ['not_a_token_error', async (fixture: BrokerFixture) => report(fixture, { errcode: 48001 })],
    [
      'upstream_rejected',
      async (fixture: BrokerFixture) => {
        fixture.issuer.next.push(fixture.issuer.refuse(40125));
        await report(fixture);
      },
    ],
    [
      'upstream_unavailable',
      async (fixture: BrokerFixture) => {
        fixture.issuer.next.push({ kind: 'not_sent', cause: new Error('connection refused') });
        await report(fixture);
      },
    ],
  ])('that ends in %s is emitted', async (code, act) => {
    const fixture = await aged(HOUR_MS);
    await expect(act(fixture)).rejects.toMatchObject({ code });
    expect(fixture.emitted.at(-1)).toMatchObject({ kind: 'reported', result: code, caller: 'orders' });
  });
});
