import { FakeRegistry } from '../../../test/support/fake-registry.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import type { TokenBroker } from '../broker.js';
import type { HostReach } from '../ports/replica-registry.js';
import type { HeldToken } from '../token.js';
import { ALL_CLIENTS } from './client-use.js';
import { ReplicaBoard } from './replica-board.js';

/** Tells of tokens, and nothing else. */
class FakeBroker {
  private listener: (app: string, held: HeldToken) => void = () => undefined;

  constructor(private readonly clock: ManualClock) {}

  subscribeAll(listener: typeof this.listener): void {
    this.listener = listener;
  }

  definition(app: string): object {
    return app.includes('/') ? { name: app, parent: {} } : { name: app };
  }

  status(): { nowMs: number } {
    return { nowMs: this.clock.wallMs() };
  }

  /** A token that began to be fetched 300 ms ago. */
  hold(app: string, generation: number, owner: string): void {
    const held = heldToken(generation, 0);
    const issuedAtMs = this.clock.wallMs() - 300;
    this.listener(app, { ...held, record: { ...held.record, owner, issuedAtMs } });
  }
}

describe('the board of replicas', () => {
  let clock: ManualClock;
  let registry: FakeRegistry;
  /** Hosts that every replica tells of besides its own. */
  let moreReaches: HostReach[];
  const reaches = (name: string): HostReach[] => [
    ...moreReaches,
    { host: `${name}.example.com`, lastAnswerAtMs: null, failingApps: 0, fault: null },
  ];
  let a: { board: ReplicaBoard; broker: FakeBroker; lastUses: Map<string, number> };
  let b: typeof a;
  /** Other answers than the usual ones, by topic. */
  const answers = new Map<string, string>();

  const replica = (name: string): typeof a => {
    const broker = new FakeBroker(clock);
    const lastUses = new Map<string, number>();
    const board = new ReplicaBoard(broker as unknown as TokenBroker, registry, clock, {
      replica: name,
      version: '1.2.3',
      configSha256: () => 'ab',
      reaches: () => reaches(name),
      answer: (topic) => answers.get(topic) ?? `${name} on ${topic}`,
      lastUses: () => lastUses,
    });
    board.start();
    return { broker, board, lastUses };
  };
  const shown = () => a.board.all.map(({ id, isGone }) => `${id}${isGone ? ' gone' : ''}`);
  /** Looked at all the while. */
  const watched = async (ms: number): Promise<void> => {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      a.board.watch();
      await clock.advance(500);
    }
  };

  beforeEach(async () => {
    clock = new ManualClock();
    registry = new FakeRegistry(clock);
    answers.clear();
    moreReaches = [];
    [a, b] = [replica('a'), replica('b')];
    await clock.advance(2000);
  });

  it('has all replicas, this one first', () => {
    expect(shown()).toEqual(['a', 'b']);
    expect(b.board.all.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(a.board.all[1]).toMatchObject({ version: '1.2.3', configSha256: 'ab', lagMs: null });
  });

  it('says within 3 s that one is gone, and not when one is a second late', async () => {
    registry.silent.add('b');
    await clock.advance(1200);
    expect(shown()).toEqual(['a', 'b']);
    await clock.advance(1300);
    expect(shown()).toEqual(['a', 'b gone']);
  });

  it('does not miss one that stopped', async () => {
    await b.board.stop();
    await clock.advance(1000);
    expect(shown()).toEqual(['a']);
  });

  it('has how the platforms answer each replica, but not of one that is gone', async () => {
    expect([...a.board.reaches]).toEqual([
      ['a', reaches('a')],
      ['b', reaches('b')],
    ]);
    registry.silent.add('b');
    await clock.advance(2500);
    expect([...a.board.reaches.keys()]).toEqual(['a']);
  });

  it('says what the store says, and takes nobody for gone meanwhile', async () => {
    expect(a.board.store).toMatchObject({ ok: true, sinceMs: null });
    registry.isAway = true;
    await clock.advance(1100);
    const { sinceMs } = a.board.store;
    await clock.advance(10_000);
    expect(a.board.store).toMatchObject({ ok: false, sinceMs, message: 'no connection to Redis' });
    expect(shown()).toEqual(['a', 'b']);
    registry.isAway = false;
    await clock.advance(1100);
    expect(a.board.store.ok).toBe(true);
  });

  it('measures how long a token of another replica takes, but not one that was there at the start', async () => {
    b.broker.hold('shop', 1, 'a');
    b.broker.hold('blog', 1, 'b');
    b.broker.hold('blog', 2, 'b');
    await clock.advance(2000);
    expect(a.board.all[1]?.lagMs).toBeNull();
    b.broker.hold('shop', 2, 'a');
    await clock.advance(2000);
    expect(a.board.all[1]?.lagMs).toBe(300);
  });

  it('says who shows another generation for longer than a rotation takes', async () => {
    for (const { broker } of [a, b]) broker.hold('shop', 1, 'a');
    for (const { broker } of [a, b]) broker.hold('shop/jsapi', 1, 'a');
    await watched(10_000);
    a.broker.hold('shop', 2, 'a');
    a.broker.hold('shop/jsapi', 2, 'a');
    await watched(2000);
    expect(a.board.disagreeingOn('shop')).toEqual([]);
    await watched(6000);
    expect(a.board.disagreeingOn('shop')).toEqual(['b']);
    expect(a.board.disagreeingOn('blog')).toEqual([]);
    b.broker.hold('shop', 2, 'a');
    await watched(6000);
    expect(a.board.disagreeingOn('shop')).toEqual([]);
  });

  it('does not take a rotation on its way for a disagreement, however many there are', async () => {
    for (let generation = 1; generation < 20; generation += 1) {
      a.broker.hold('shop', generation, 'a');
      await watched(500);
      b.broker.hold('shop', generation, 'a');
      expect(a.board.disagreeingOn('shop')).toEqual([]);
      await watched(500);
    }
  });

  it('reads nothing of others while nobody looks or all agree, and stores each generation once', async () => {
    for (let index = 0; index < 1000; index += 1) {
      for (const { broker } of [a, b]) broker.hold(`app-${String(index)}`, 1, 'a');
    }
    await clock.advance(2000);
    await watched(10_000);
    expect(registry.looks).toBe(0);
    await clock.advance(20_000);
    a.broker.hold('app-7', 2, 'a');
    await clock.advance(60_000);
    expect(registry.looks).toBe(0);
    expect(registry.sizes.filter((size) => size > 0)).toEqual([1000, 1000, 1]);
  });

  it('asks the others about an app while somebody wants to know, and no longer', async () => {
    expect(a.board.answersOf('shop')).toEqual(new Map());
    await clock.advance(3000);
    expect(a.board.answersOf('shop')).toEqual(new Map([['b', 'b on shop']]));
    expect(a.board.answersOf('blog')).toEqual(new Map());
    await clock.advance(30_000);
    expect(a.board.answersOf('shop')).toEqual(new Map());
  });

  it('waits for the answers of all that live, and for no longer than 3 s', async () => {
    const first = a.board.answersOfAll(ALL_CLIENTS);
    await clock.advance(2900);
    expect(await first).toEqual(new Map([['b', 'b on *']]));
    answers.set('shop', 'x'.repeat(131_000));
    const second = a.board.answersOfAll('shop');
    await clock.advance(3100);
    expect(await second).toEqual(new Map());
    await b.board.stop();
    await clock.advance(700);
    expect(await a.board.answersOfAll('blog')).toEqual(new Map());
  });

  it('leaves out an answer that makes its report too long to be read, and is not gone for that', async () => {
    answers.set('shop', 'x'.repeat(131_000));
    for (const app of ['shop', 'blog']) a.board.answersOf(app);
    await clock.advance(3000);
    expect(a.board.answersOf('shop')).toEqual(new Map());
    expect(a.board.answersOf('blog')).toEqual(new Map([['b', 'b on blog']]));
    expect(shown()).toEqual(['a', 'b']);
  });

  it('has less room for answers while its platforms fail, by bytes and not by characters', async () => {
    answers.set('shop', 'x'.repeat(60_000)).set('blog', 'x'.repeat(40_000));
    for (const app of ['shop', 'blog']) a.board.answersOf(app);
    await clock.advance(3000);
    expect([...a.board.answersOf('shop').keys(), ...a.board.answersOf('blog').keys()]).toEqual(['b', 'b']);
    const fault = { atMs: 1, message: '证'.repeat(600), remedy: '书'.repeat(600) };
    moreReaches = Array.from({ length: 20 }, (_, index) => ({
      ...{ host: `${String(index)}.example.com`, lastAnswerAtMs: null, failingApps: 1 },
      fault,
    }));
    await clock.advance(3000);
    expect([...a.board.answersOf('shop').keys(), ...a.board.answersOf('blog').keys()]).toEqual(['b']);
    expect(registry.longest).toBeLessThan(131_072);
    expect(a.board.reaches.get('b')).toHaveLength(20);
  });

  it('stores within 10 s when identities were last used, only what is new, and the rest when it stops', async () => {
    const key = 'orders key 0a1b2c3d';
    b.lastUses.set(key, 1000).set('mailer key 4e5f6a7b', 900);
    await clock.advance(11_000);
    expect(await a.board.lastUses()).toEqual(
      new Map([
        [key, { atMs: 1000, replica: 'b' }],
        ['mailer key 4e5f6a7b', { atMs: 900, replica: 'b' }],
      ]),
    );
    b.lastUses.set(key, 2000);
    await clock.advance(11_000);
    await clock.advance(11_000);
    expect(registry.noted.filter((noted) => noted.length > 0)).toEqual([[key, 'mailer key 4e5f6a7b'], [key]]);
    b.lastUses.set(key, 3000);
    await b.board.stop();
    expect((await a.board.lastUses()).get(key)).toEqual({ atMs: 3000, replica: 'b' });
  });

  it('knows of no last use while the store does not answer', async () => {
    registry.isAway = true;
    expect(await a.board.lastUses()).toEqual(new Map());
  });
});
