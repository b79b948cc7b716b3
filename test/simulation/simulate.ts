import { MemoryTokenStore } from '../../src/storage/memory/index.js';
import { suspectReasonOf } from '../../src/core/refresh/policy.js';
import { Dice } from '../support/dice.js';
import { APP, LEASE_MS, RECONCILE_MS, TIMEOUT_MS, World, type Fault, type WorldOptions } from './world.js';

const LIFE_MS = 100_000;
const GRACE_MS = 25_000;
const AHEAD_MS = 20_000;
const FAULTS_END_MS = 100_000;
const END_MS = 150_000;
/**
 * How long after a fault a dead token may still be served. It is less than the platform's overlap: the broker has that
 * long to find out that its token was superseded.
 */
const HEAL_MS = 2 * (LEASE_MS + RECONCILE_MS) + 2 * TIMEOUT_MS + 5000;

/** Less than it takes to heal, so that a run sees both. */
const SWEEP_MS = 9000;
const NEVER_MS = 1e9;
/** Two looks at the list, with the ticks that start them: by then a replica has what another one stored, fault or no fault. */
const ADOPTED_MS = 2 * (1.25 * RECONCILE_MS + 2500) + 1000;

type AnyFault = Fault | 'kill' | 'pause' | 'early_death';

const FAULTS: readonly AnyFault[] = [
  'drop_reply',
  'slow_request',
  'refuse',
  'not_sent',
  'lose_lease',
  'store_lost',
  'store_deaf',
  'kill_after_sending',
  'kill',
  'pause',
  'early_death',
  'list_lost',
  'list_late',
  'list_reordered',
  'list_trimmed',
];

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

type MakeStore = WorldOptions['makeStore'];

/**
 * Runs one seed to its end and returns what went wrong. The same seed and store always give the same run.
 *
 * @param isSwept false: a replica reads nothing but what the list names, which then loses nothing without a trace
 */
export async function simulate(
  seed: number,
  makeStore: MakeStore = (clock, lease) => new MemoryTokenStore(clock, lease),
  inspect?: (world: World) => void,
  isSwept = true,
): Promise<Violation[]> {
  const plan = new Dice(seed ^ 0x5eed);
  const world = new World({
    seed,
    makeStore,
    grant: plan.chance(0.6) ? 'classic' : 'stable',
    replicas: 1 + Math.floor(plan.next() * 3),
    lifeMs: LIFE_MS,
    graceMs: GRACE_MS,
    aheadMs: AHEAD_MS,
    dailyBudget: 60,
    forcedDailyBudget: plan.chance(0.3) ? 1 : 10,
    sweepMs: isSwept ? SWEEP_MS : NEVER_MS,
  });
  const check = new Checker(world);
  scheduleFaults(world, plan, isSwept ? FAULTS : FAULTS.filter((fault) => fault !== 'list_lost'));
  scheduleCallers(world, plan, check);
  await world.time.run(END_MS);
  // A rotation near the end has a reconcile interval to reach every replica.
  while (await world.beganWithin(2 * RECONCILE_MS)) {
    await world.time.run(world.time.nowMs + 2 * RECONCILE_MS);
  }
  await check.atTheEnd();
  inspect?.(world);
  return check.violations;
}

function scheduleFaults(world: World, plan: Dice, faults: readonly AnyFault[]): void {
  const count = plan.chance(0.15) ? 0 : 1 + Math.floor(plan.next() * 4);
  // Most faults meet a rotation only if they come in pairs or lie in wait for it.
  const centreMs = plan.pick([0, LIFE_MS - AHEAD_MS, plan.between(0, FAULTS_END_MS)]);
  for (let index = 0; index < count; index += 1) {
    const fault = plan.pick(faults);
    const atMs = Math.min(FAULTS_END_MS, Math.max(0, centreMs + plan.between(-6000, 6000)));
    world.time.schedule(atMs, () => {
      strike(world, plan, fault);
    });
  }
  world.time.schedule(FAULTS_END_MS, () => {
    world.waitingFaults.clear();
  });
}

function strike(world: World, plan: Dice, fault: AnyFault): void {
  const { process } = plan.pick(world.replicas);
  if (fault === 'kill') {
    if (process.isDead) return;
    world.struck();
    world.crash(process);
  } else if (fault === 'pause') {
    world.struck();
    const durationMs = plan.between(500, 4 * LEASE_MS);
    process.pause(durationMs);
    world.time.schedule(durationMs, () => {
      world.lastFaultMs = Math.max(world.lastFaultMs, world.time.nowMs);
    });
  } else if (fault === 'early_death') {
    world.struck();
    world.platform.killNewest(world.time.nowMs);
    // A token that was fetched after a report is not replaced for 30 s because of another report.
    world.lastFaultMs += 30_000;
  } else {
    world.waitingFaults.add(fault);
  }
}

/** Callers poll all replicas, some report what was refused, and some report long-replaced tokens. */
function scheduleCallers(world: World, plan: Dice, check: Checker): void {
  const seen = { generation: 0 };
  let old: string | undefined;
  const call = (): void => {
    const { process, broker } = plan.pick(world.replicas);
    if (process.isRunning) {
      const asksForNewest = plan.chance(0.3);
      const served = broker.held(APP);
      if (served) {
        check.served(served.record);
        if (!world.platform.isAccepted(served.record.value, world.time.nowMs)) {
          void broker
            .report(APP, { caller: 'a', accessToken: served.record.value, force: false })
            .catch(ignore);
        } else if (old !== undefined && old !== served.record.value && plan.chance(0.1)) {
          check.staleReport(() => broker.report(APP, { caller: 'b', accessToken: old, force: false }));
        }
        if (plan.chance(0.02)) old = served.record.value;
      }
      if (asksForNewest) {
        const min = seen.generation;
        void broker.current(APP, min).then(({ record }) => {
          check.neverFalls(min, record.generation);
          seen.generation = Math.max(seen.generation, record.generation);
        }, ignore);
      }
    }
    world.time.schedule(plan.between(500, 2000), call);
  };
  world.time.schedule(100, call);
}

function ignore(): void {
  // A caller without a token asks again.
}

class Checker {
  readonly violations: Violation[] = [];
  private readonly valueOf = new Map<number, string>();
  private looked = 0;
  private stored = { generation: 0, atMs: 0 };

  constructor(private readonly world: World) {}

  served(record: { generation: number; value: string }): void {
    const { world } = this;
    const nowMs = world.time.nowMs;
    const known = this.valueOf.get(record.generation);
    if (known !== undefined && known !== record.value) {
      this.violated('I4', `generation ${String(record.generation)} is ${known} and ${record.value}`);
    }
    this.valueOf.set(record.generation, record.value);
    const since = Math.max(world.lastFaultMs, this.newestStored.atMs);
    if (this.newestStored.generation > record.generation && nowMs - since > ADOPTED_MS) {
      this.violated('I7', `${record.value} is served, ${String(nowMs - since)} ms after another was stored`);
    }
    if (world.platform.isAccepted(record.value, nowMs)) return;
    const sinceFaultMs = nowMs - world.lastFaultMs;
    if (sinceFaultMs > HEAL_MS && !this.isStarved) {
      this.violated(
        'I1',
        `${record.value} is dead and served, ${String(sinceFaultMs)} ms after the last fault`,
      );
    }
  }

  /** Of the fetches that the store was told of. */
  private get newestStored(): { readonly generation: number; readonly atMs: number } {
    const { events } = this.world;
    for (; this.looked < events.length; this.looked += 1) {
      const event = events[this.looked];
      if (event?.kind === 'rotated' && event.isStored && event.generation > this.stored.generation)
        this.stored = event;
    }
    return this.stored;
  }

  neverFalls(min: number, generation: number): void {
    if (generation < min) this.violated('I3', `asked for ${String(min)}, got ${String(generation)}`);
  }

  staleReport(report: () => Promise<{ kind: string; reason?: string }>): void {
    const { world } = this;
    const factsBefore = world.events.length;
    void report().then((answer) => {
      const fetched = world.events
        .slice(factsBefore)
        .some(
          (event) =>
            event.kind === 'fetch_ended' && event.reason === 'report' && event.outcome !== 'not_sent',
        );
      if (fetched && answer.reason === 'already_rotated')
        this.violated('I5', 'a stale report caused a fetch');
    }, ignore);
  }

  async atTheEnd(): Promise<void> {
    const { world } = this;
    const commits = world.events.filter(({ kind }) => kind === 'rotated').length;
    if (world.requests > commits + world.faults) {
      this.violated(
        'I2',
        `${String(world.requests)} requests, ${String(commits)} rotations, ${String(world.faults)} faults`,
      );
    }
    const planned = world.options.grant === 'classic' ? 1 + END_MS / (LIFE_MS - AHEAD_MS - 3000) : 4;
    if (commits > planned + 2 * world.faults) {
      this.violated('I2', `${String(commits)} rotations for ${String(world.faults)} faults`);
    }
    const sent = world.events.filter(
      (event) => event.kind === 'fetch_ended' && event.outcome !== 'not_sent',
    ).length;
    const view = await world.store.read(world.identity);
    const { dailyBudget, forcedDailyBudget } = world.options;
    const { forced, forceNew, unproven } = view.count;
    if (sent > dailyBudget + world.storeFaults || Math.max(forced, forceNew, unproven) > forcedDailyBudget)
      this.violated('I6', `${String(sent)} fetches, ${JSON.stringify(view.count)}`);
    const stored = view.record?.value;
    const newest = world.platform.newest;
    const accepted = stored !== undefined && world.platform.isAccepted(stored, world.time.nowMs);
    if (!this.isStarved && (stored !== newest?.value || !accepted)) {
      this.violated(
        'I7',
        `stored ${String(stored)}, newest ${String(newest?.value)}, accepted ${String(accepted)}`,
      );
    }
    const reason = suspectReasonOf(view);
    if (reason) this.violated('I7', `still suspect: ${reason}`);
    for (const { broker } of world.replicas) {
      const value = broker.held(APP)?.record.value;
      if (value !== stored)
        this.violated('I7', `a replica serves ${String(value)}, stored is ${String(stored)}`);
    }
  }

  /** A dead token stays when the day's budget of forced refreshes is used up: that is what the budget is for. */
  private get isStarved(): boolean {
    return this.world.events.some(
      (event) => event.kind === 'reported' && event.result === 'budget_exhausted',
    );
  }

  private violated(invariant: string, detail: string): void {
    this.violations.push({
      invariant,
      detail: `at ${String(Math.round(this.world.time.nowMs))} ms: ${detail}`,
    });
  }
}
