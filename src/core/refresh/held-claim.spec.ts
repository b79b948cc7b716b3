import {
  ALL_COMMANDS,
  APP,
  CLASSIC_RULE,
  createBroker,
  createClaims,
  FakeIssuer,
  LIFE_MS,
  servedValue,
  STABLE_RULE,
  type BrokerFixture,
} from '../../../test/support/create-broker.js';
import { ManualClock, settle } from '../../../test/support/manual-clock.js';
import { StoreUnavailableError, type BrokerError } from '../errors.js';
import { HeldClaim } from './due-work.js';
import type { AppClaim, ClaimAnswer } from '../ports/app-claim.js';

const ACCOUNT = { name: APP, provider: 'fake', host: 'api.example.com', appId: 'wx0123456789abcdef' };
const MINUTE_MS = 60_000;
const AWAY = new StoreUnavailableError('connection is closed');

/** A broker whose every fetch kills the token before, and another one that may claim its app. */
class TwoBrokers {
  readonly fixture: BrokerFixture = createBroker();
  readonly other: AppClaim = this.fixture.claim.ofPrefix('there:');

  constructor() {
    this.fixture.issuer.rule = CLASSIC_RULE;
  }

  otherClaims(force = false): Promise<ClaimAnswer> {
    return this.other.claim(ACCOUNT, MINUTE_MS, { force });
  }

  /** Lets time go by while the other broker renews its claim. */
  async runBeside(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 10_000) {
      await this.otherClaims();
      await this.fixture.run(Math.min(10_000, leftMs));
    }
  }

  get fetches(): number {
    return this.fixture.issuer.calls.length;
  }

  events(kind: string): unknown[] {
    return this.fixture.emitted.filter((event) => event.kind === kind);
  }
}

describe('an app that another broker fetches for', () => {
  let brokers: TwoBrokers;
  let fixture: BrokerFixture;
  beforeEach(() => {
    brokers = new TwoBrokers();
    fixture = brokers.fixture;
  });

  it('is not fetched for, and people are told who holds it and what to do', async () => {
    await brokers.otherClaims();
    await fixture.start();
    await brokers.runBeside(10 * MINUTE_MS);
    expect(brokers.fetches).toBe(0);
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'pending',
      lastError: {
        class: 'claim',
        errcode: null,
        message: expect.stringContaining('there:{shop}') as string,
        remedy: expect.stringContaining('stop it') as string,
      },
    });
    expect(brokers.events('claim_refused')).toEqual([
      { app: APP, kind: 'claim_refused', holder: 'there:{shop}' },
    ]);
  });

  it('answers whoever asks for a token at once, with a code and when to come back', async () => {
    await brokers.otherClaims();
    await fixture.start();
    await brokers.runBeside(MINUTE_MS);
    const asked = fixture.broker.current(APP);
    await expect(asked).rejects.toMatchObject({ code: 'held_elsewhere' });
    await expect(asked).rejects.toThrow(/^There is no token yet: another broker .*there:\{shop\}/);
    const refusal: unknown = await asked.catch((error: unknown) => error);
    const { retryAfterSeconds } = refusal as BrokerError;
    expect(retryAfterSeconds).toBeGreaterThanOrEqual(1);
    expect(retryAfterSeconds).toBeLessThanOrEqual(10);
  });

  it('keeps no replica from becoming ready', async () => {
    await brokers.otherClaims();
    await fixture.start();
    expect(fixture.broker.isReady).toBe(true);
  });

  it('is taken over within a claim’s life and one try when the other is gone', async () => {
    await brokers.otherClaims();
    await fixture.start();
    await brokers.runBeside(5 * MINUTE_MS);
    await fixture.run(MINUTE_MS + 11_000);
    expect(brokers.fetches).toBe(1);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
    expect(brokers.events('claim_won')).toEqual([{ app: APP, kind: 'claim_won', holder: 'there:{shop}' }]);
    expect(await brokers.otherClaims()).toMatchObject({ kind: 'theirs', holder: 'here:{shop}' });
  });

  it('is still served from memory, and no report replaces the token', async () => {
    await fixture.start();
    expect(servedValue(fixture)).toBe('token-1');
    await brokers.otherClaims(true);
    await brokers.runBeside(MINUTE_MS);
    expect(servedValue(fixture)).toBe('token-1');
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'degraded', lastError: { class: 'claim' } });
    const report = fixture.broker.report(APP, { caller: 'orders', accessToken: 'token-1', force: false });
    await expect(report).rejects.toMatchObject({ code: 'held_elsewhere' });
    await brokers.runBeside(2 * 60 * MINUTE_MS);
    expect(brokers.fetches).toBe(1);
    expect(fixture.broker.status(APP).state).toBe('expired');
  });

  it('is taken over at once by force, from whoever has it', async () => {
    await brokers.otherClaims();
    await fixture.start();
    await brokers.runBeside(MINUTE_MS);
    await fixture.broker.report(APP, { caller: 'oncall', force: true });
    expect(servedValue(fixture)).toBe('token-1');
    expect(await brokers.otherClaims()).toEqual({ kind: 'theirs', holder: 'here:{shop}' });
    await fixture.run(MINUTE_MS);
    expect(brokers.events('claim_refused')).toHaveLength(1);
  });

  it('is fetched for where the platform gives the same token again', async () => {
    fixture.issuer.rule = STABLE_RULE;
    await brokers.otherClaims();
    await fixture.start();
    expect(servedValue(fixture)).toBe('token-1');
  });
});

describe('an app that this broker fetches for', () => {
  let brokers: TwoBrokers;
  let fixture: BrokerFixture;
  beforeEach(async () => {
    brokers = new TwoBrokers();
    fixture = brokers.fixture;
    await fixture.start();
  });

  it('is held while nothing has to be fetched', async () => {
    for (let minutes = 0; minutes < 60; minutes += 1) {
      await fixture.run(MINUTE_MS);
      expect(await brokers.otherClaims()).toEqual({ kind: 'theirs', holder: 'here:{shop}' });
    }
    expect(brokers.fetches).toBe(1);
  });

  it('costs a claim each 20 s, and none more for a fetch', async () => {
    const before = fixture.claimsAsked;
    await fixture.run(2 * 60 * MINUTE_MS);
    expect(brokers.fetches).toBe(2);
    expect(fixture.claimsAsked - before).toBeGreaterThanOrEqual((2 * 3600) / 25);
    expect(fixture.claimsAsked - before).toBeLessThanOrEqual((2 * 3600) / 15);
  });

  it('is held through a restart, and by every replica', async () => {
    fixture.issuer.probeOutcome = 'accepted';
    await fixture.broker.stop();
    await fixture.clock.advance(50_000);
    expect(await brokers.otherClaims()).toMatchObject({ kind: 'theirs' });
    const next = fixture.sibling();
    await next.start();
    expect(next.held(APP) ?? (await next.current(APP))).toMatchObject({ record: { value: 'token-1' } });
    next.runDue();
    await fixture.clock.advance(50_000);
    expect(await brokers.otherClaims()).toMatchObject({ kind: 'theirs' });
    expect(brokers.events('claim_refused')).toEqual([]);
  });

  it('is asked for anew before a fetch when the process stood still for longer than a claim lives', async () => {
    await fixture.clock.advance(2 * 60 * MINUTE_MS);
    await brokers.otherClaims();
    fixture.broker.runDue();
    await fixture.run(1000);
    expect(brokers.fetches).toBe(1);
  });
});

describe('a store that cannot tell who holds an app', () => {
  it('is a store that is away: nothing is fetched that could kill a token which others serve', async () => {
    const { fixture } = new TwoBrokers();
    fixture.cutStore('claim');
    await fixture.start();
    await fixture.run(10_000);
    expect(fixture.issuer.calls).toHaveLength(0);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'pending', lastError: { class: 'store' } });
    fixture.cutStore();
    await fixture.run(2000);
    expect(servedValue(fixture)).toBe('token-1');
  });

  it('has a token replaced in the last minute of its life only', async () => {
    const { fixture } = new TwoBrokers();
    await fixture.start();
    fixture.cutStore('claim');
    await fixture.run(LIFE_MS - MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(1);
    await fixture.run(MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('leaves the last answer in force for as long as a claim lives', async () => {
    const brokers = new TwoBrokers();
    const { fixture } = brokers;
    await fixture.start();
    await brokers.otherClaims(true);
    await brokers.runBeside(LIFE_MS - MINUTE_MS);
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.run(50_000);
    expect(brokers.fetches).toBe(1);
    expect(fixture.broker.status(APP).lastError).toMatchObject({ class: 'claim' });
    await fixture.run(15_000);
    expect(fixture.broker.status(APP).lastError).toMatchObject({ class: 'store' });
  });

  it('keeps no broker from fetching that it lets claim nothing', async () => {
    const { fixture } = new TwoBrokers();
    fixture.claim.claim = async () => ({ kind: 'unsupported' });
    await fixture.start();
    await fixture.run(LIFE_MS);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });
});

describe('a store that comes back empty', () => {
  it.each([1, 90])('leaves the app to the broker that had it: away for %i s', async (awaySeconds) => {
    const clock = new ManualClock();
    const issuer = new FakeIssuer();
    issuer.rule = CLASSIC_RULE;
    const app = { ...createBroker().app, issuer };
    let store: ReturnType<typeof createClaims> | null = createClaims(clock);
    const brokerOf = (prefix: string): HeldClaim =>
      new HeldClaim(app, {
        clock,
        events: { emit: () => undefined },
        claim: {
          claim: async (...asked) =>
            store?.ofPrefix(prefix).claim(...asked) ?? { kind: 'unavailable', cause: AWAY },
        },
      });
    const [holder, other] = [brokerOf('holder:'), brokerOf('other:')];
    const run = async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        await clock.advance(1000);
        // The other one always looks first.
        if (other.isDue) void other.renew();
        await settle();
        if (holder.isDue) void holder.renew();
        await settle();
      }
    };
    expect(await holder.mayFetch(false)).toBe(true);
    expect(await other.mayFetch(false)).toBe(false);
    await run(60);
    store = null;
    await run(awaySeconds);
    store = createClaims(clock);
    for (const broker of [other, holder]) broker.renewSoon();
    await run(120);
    expect(await other.mayFetch(false)).toBe(false);
    expect(await holder.mayFetch(false)).toBe(true);
  });
});
