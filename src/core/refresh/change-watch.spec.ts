import { createBroker, type BrokerFixture, LIFE_MS, REFRESH } from '../../../test/support/create-broker.js';
import { settle } from '../../../test/support/manual-clock.js';
import { Dice } from '../../../test/support/dice.js';
import type { BrokerSettings, TokenBroker } from '../broker.js';
import type { Changes } from '../ports/token-store.js';

const COUNT = 200;
const INTERVAL_MS = 1.25 * REFRESH.reconcileMs + 250;
const SWEEP_MS = 250_000;

/** One replica of many apps that have their tokens, whose reads are counted. */
class ManyApps {
  readonly fixture: BrokerFixture = createBroker();
  readonly here: TokenBroker;
  /** Names of the apps that were read, by whichever replica runs. */
  readonly reads: string[] = [];
  private readonly dice = new Dice(7);

  constructor(settings?: BrokerSettings, count = COUNT) {
    const { clock, store, issuer, feed } = this.fixture;
    this.here = this.fixture.brokerOf(count, settings);
    clock.random = () => this.dice.next();
    issuer.probeOutcome = 'accepted';
    // What is to be found is found in the list.
    feed.publish = () => Promise.resolve();
    const reconcile = store.reconcile.bind(store);
    store.reconcile = (app, known) => {
      this.reads.push(app.name);
      return reconcile(app, known);
    };
  }

  async run(ms: number, ...replicas: readonly TokenBroker[]): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
      await this.fixture.clock.advance(Math.min(250, leftMs));
      for (const replica of [this.here, ...replicas]) replica.runDue();
      await settle();
    }
  }

  async started(): Promise<this> {
    await this.here.start();
    await this.run(2 * INTERVAL_MS);
    this.reads.length = 0;
    return this;
  }

  /** Another replica replaces the token of one app, and goes. */
  async rotateElsewhere(app: string): Promise<string> {
    const other = this.fixture.brokerOf(COUNT);
    const reads = [...this.reads];
    const before = await other.current(app);
    await other.report(app, { caller: 'ops', force: true });
    this.reads.splice(0, Infinity, ...reads);
    const value = other.held(app)?.record.value ?? '';
    expect(value).not.toBe(before.record.value);
    expect(this.value(app)).toBe(before.record.value);
    return value;
  }

  value(app: string): string | undefined {
    return this.here.held(app)?.record.value;
  }

  /** Has the list say this from now on. */
  listSays(...answers: readonly Changes[]): void {
    const { store } = this.fixture;
    const rest = [...answers];
    const changes = store.changes.bind(store);
    store.changes = (since) => {
      const next = rest.shift();
      return next ? Promise.resolve(next) : changes(since);
    };
  }

  get cursor(): Promise<string> {
    return this.fixture.store.changes(null).then((changes) => ('cursor' in changes ? changes.cursor : ''));
  }
}

describe('a replica of many apps', () => {
  it('reads an app within an interval after another replica wrote to it, and few others', async () => {
    const apps = await new ManyApps().started();
    const value = await apps.rotateElsewhere('app-7');
    await apps.run(INTERVAL_MS);
    expect(apps.value('app-7')).toBe(value);
    expect(apps.reads.filter((name) => name === 'app-7').length).toBeGreaterThan(0);
    expect(apps.reads.length).toBeLessThan(COUNT / 8);
  });

  it('hears of a fetch whose owner died before it had ended', async () => {
    const apps = await new ManyApps().started();
    const { fixture } = apps;
    const app = { ...fixture.app, name: 'app-3' };
    const acquired = await fixture.lease.acquire(app, REFRESH.leaseMs);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    await fixture.store.begin(app, {
      lease: acquired.lease,
      charge: null,
      credential: null,
      seenGeneration: Number.MAX_SAFE_INTEGER,
      highestKnown: 0,
      ignoreBackOff: 'none',
      budget: { daily: 9, forcedDaily: 9, dayOffsetMs: REFRESH.dayOffsetMs },
      leaseMs: REFRESH.leaseMs,
    });
    const before = apps.value('app-3');
    await apps.run(2 * REFRESH.leaseMs + INTERVAL_MS);
    expect(apps.value('app-3')).not.toBe(before);
    expect(apps.here.status('app-3').state).toBe('ok');
  });

  it('reads every app within the sweep, spread evenly', async () => {
    const apps = await new ManyApps().started();
    const bySecond: number[] = [];
    for (let seconds = 0; seconds < SWEEP_MS / 1000; seconds += 1) {
      const before = apps.reads.length;
      await apps.run(1000);
      bySecond.push(apps.reads.length - before);
    }
    expect(new Set(apps.reads).size).toBe(COUNT);
    expect(apps.reads.length).toBeLessThan(4 * COUNT);
    expect(Math.max(...bySecond)).toBeLessThan(12);
  });

  it('finds within the sweep what the list has lost', async () => {
    const apps = await new ManyApps().started();
    const value = await apps.rotateElsewhere('app-7');
    apps.listSays({ kind: 'since', keys: new Set(), cursor: await apps.cursor });
    await apps.run(SWEEP_MS);
    expect(apps.value('app-7')).toBe(value);
  });

  it.each(['gap', 'away'])('reads everything soon after a %s', async (kind) => {
    const apps = await new ManyApps().started();
    const value = await apps.rotateElsewhere('app-7');
    if (kind === 'gap') apps.listSays({ kind, cursor: await apps.cursor });
    else {
      apps.fixture.cutStore('changes');
      await apps.run(INTERVAL_MS);
      apps.reads.length = 0;
      apps.fixture.cutStore();
      apps.listSays({ kind: 'since', keys: new Set(), cursor: await apps.cursor });
    }
    await apps.run(INTERVAL_MS + 1000);
    expect(apps.value('app-7')).toBe(value);
    expect(new Set(apps.reads).size).toBe(COUNT);
  });

  it('reads every app in each interval while there is no list', async () => {
    const apps = await new ManyApps().started();
    apps.listSays(...Array.from({ length: 9 }, () => ({ kind: 'unsupported' }) as const));
    await apps.run(2 * INTERVAL_MS);
    apps.reads.length = 0;
    await apps.run(INTERVAL_MS);
    expect(new Set(apps.reads).size).toBe(COUNT);
  });

  it('sees within seconds that the store is away, and that it is back, for every app', async () => {
    const apps = await new ManyApps().started();
    const states = (): ReadonlySet<string> =>
      new Set(apps.here.apps.map((name) => apps.here.status(name).state));
    apps.fixture.cutStore('changes', 'reconcile');
    await apps.run(INTERVAL_MS + 1500);
    expect(states()).toEqual(new Set(['degraded']));
    apps.fixture.cutStore();
    await apps.run(INTERVAL_MS + 1500);
    expect(states()).toEqual(new Set(['ok']));
  });

  it('retries in each interval an app of which the store does not answer, though the list can be read', async () => {
    const apps = await new ManyApps().started();
    apps.fixture.cutStore('reconcile');
    await apps.here.current('app-7', Number.MAX_SAFE_INTEGER).catch(() => undefined);
    expect(apps.here.status('app-7').state).toBe('degraded');
    apps.fixture.cutStore();
    await apps.run(INTERVAL_MS);
    expect(apps.here.status('app-7').state).toBe('ok');
  });

  it('asks after a long pause what has changed before it serves anything', async () => {
    const apps = await new ManyApps().started();
    const value = await apps.rotateElsewhere('app-7');
    await apps.fixture.clock.advance(60_000);
    expect([apps.value('app-7'), apps.value('app-8')]).toEqual([undefined, undefined]);
    apps.here.runDue();
    expect([apps.value('app-7'), apps.value('app-8')]).toEqual([undefined, undefined]);
    await settle();
    expect(apps.value('app-7')).toBe(value);
    expect(apps.value('app-8')).toBeDefined();
    expect(apps.reads).toContain('app-7');
    expect(apps.reads.length).toBeLessThan(COUNT / 2);
  });

  it('has a caller wait for the store after a pause of which the list says nothing', async () => {
    const apps = await new ManyApps().started();
    const value = await apps.rotateElsewhere('app-7');
    apps.listSays({ kind: 'gap', cursor: await apps.cursor });
    await apps.fixture.clock.advance(60_000);
    apps.here.runDue();
    await settle();
    expect(apps.value('app-7')).toBeUndefined();
    expect((await apps.here.current('app-7')).record.value).toBe(value);
  });

  it('serves from memory after a pause if the store is away', async () => {
    const apps = await new ManyApps().started();
    apps.fixture.cutStore('changes', 'reconcile');
    await apps.fixture.clock.advance(60_000);
    apps.here.runDue();
    await settle();
    expect(apps.value('app-8')).toBeDefined();
  });

  it('looks no more once it is stopped', async () => {
    const apps = await new ManyApps().started();
    await apps.here.stop();
    const asked: unknown[] = [];
    const { store } = apps.fixture;
    store.changes = (since) => {
      asked.push(since);
      return Promise.resolve({ kind: 'unsupported' });
    };
    await apps.run(3 * INTERVAL_MS);
    expect([asked, apps.reads]).toEqual([[], []]);
  });
});

describe('a start', () => {
  it('takes over what is stored, a hundred apps at a time, without a fetch', async () => {
    const apps = await new ManyApps().started();
    const { store, issuer } = apps.fixture;
    const calls = issuer.calls.length;
    const reconcile = store.reconcile.bind(store);
    let [atOnce, most] = [0, 0];
    store.reconcile = async (...args) => {
      most = Math.max(most, (atOnce += 1));
      await settle();
      atOnce -= 1;
      return reconcile(...args);
    };
    const other = apps.fixture.brokerOf(COUNT);
    await other.start();
    expect(other.isReady).toBe(true);
    expect(most).toBe(100);
    expect(issuer.calls).toHaveLength(calls);
  });

  it('does not wait for every app while the store is away', async () => {
    const apps = new ManyApps();
    apps.fixture.cutStore('changes', 'reconcile');
    const started = apps.here.start();
    await apps.fixture.clock.advance(0);
    await started;
    expect(apps.reads).toEqual([]);
    apps.fixture.cutStore();
    await apps.run(2 * INTERVAL_MS);
    expect(new Set(apps.reads).size).toBe(COUNT);
  });

  it('fetches so many tokens a second, and first those that callers ask for', async () => {
    const apps = new ManyApps({ startFetchesPerSecond: 20 });
    const { issuer } = apps.fixture;
    await apps.here.start();
    await settle();
    expect(issuer.calls.length).toBeLessThanOrEqual(21);
    const asked = apps.here.current(`app-${String(COUNT - 1)}`);
    await settle();
    expect((await asked).record.value).toBe(`token-${String(issuer.calls.length)}`);
    await apps.run(5000);
    expect(issuer.calls.length).toBeGreaterThan(115);
    expect(issuer.calls.length).toBeLessThanOrEqual(123);
    await apps.run(15_000);
    expect(issuer.calls).toHaveLength(COUNT);
    await apps.run(LIFE_MS / 4);
    expect(issuer.calls).toHaveLength(COUNT);
  });

  it('tries found tokens at that pace, and at once those that callers ask for', async () => {
    const apps = await new ManyApps().started();
    const { issuer } = apps.fixture;
    issuer.probed.length = 0;
    const other = apps.fixture.brokerOf(COUNT, { startFetchesPerSecond: 20 });
    await other.start();
    await settle();
    expect(issuer.probed.length).toBeLessThanOrEqual(21);
    expect((await other.current(`app-${String(COUNT - 1)}`)).record.value).toBeDefined();
    await apps.run(5000, other);
    expect(issuer.probed.length).toBeLessThanOrEqual(123);
  });
});
