import type { AppDefinition, AppIdentity } from '../../src/core/app-definition.js';
import { AppSecrets } from '../../src/core/app-secrets.js';
import {
  type MemoryTokenStore,
  MemoryAppClaim,
  MemoryRefreshLease,
  MemoryRotationFeed,
  MemorySharedProbes,
} from '../../src/storage/memory/index.js';
import { StoreUnavailableError } from '../../src/core/errors.js';
import type { BrokerEvent } from '../../src/core/ports/events.js';
import { RefreshLease, type Lease } from '../../src/core/ports/refresh-lease.js';
import { SharedProbes } from '../../src/core/ports/shared-probes.js';
import { RotationFeed, type Rotation } from '../../src/core/ports/rotation-feed.js';
import { TokenBroker } from '../../src/core/broker.js';
import { CLASSIC_RULE, STABLE_RULE } from '../support/create-broker.js';
import {
  TokenIssuer,
  type IssuanceRule,
  type IssueOutcome,
  type ProbeAnswer,
} from '../../src/core/ports/token-issuer.js';
import { TokenStore, type Changes } from '../../src/core/ports/token-store.js';
import { BUSY, ModelPlatform } from './model-platform.js';
import { Dice } from '../support/dice.js';
import { VirtualProcess, VirtualTime } from './virtual-time.js';

export const APP = 'shop';
export const LEASE_MS = 2500;
export const RECONCILE_MS = 3000;
export const TIMEOUT_MS = 1200;
/** A request is processed within a lease time of being sent, or never. */
const LATEST_PROCESSING_MS = LEASE_MS;

/** Faults that are waiting to hit, by the next request or command that they concern. */
export type Fault =
  | 'drop_reply'
  | 'slow_request'
  | 'refuse'
  | 'not_sent'
  | 'lose_lease'
  | 'store_lost'
  | 'store_deaf'
  | 'kill_after_sending'
  | ListFault;

/** What the list of changes loses without a trace, says too late or out of order, or has no more. */
export type ListFault = 'list_lost' | 'list_late' | 'list_reordered' | 'list_trimmed';

export interface WorldOptions {
  readonly seed: number;
  readonly grant: 'classic' | 'stable';
  readonly replicas: number;
  readonly lifeMs: number;
  readonly graceMs: number;
  readonly aheadMs: number;
  readonly dailyBudget: number;
  readonly forcedDailyBudget: number;
  /** How long after its last read an app is read again that the list does not name. */
  readonly sweepMs: number;
  readonly makeStore: (clock: VirtualProcess, lease: MemoryRefreshLease) => MemoryTokenStore;
}

export interface Replica {
  readonly process: VirtualProcess;
  readonly broker: TokenBroker;
}

/** Several brokers over one shared store and one platform, in virtual time, with faults on all ways between them. */
export class World {
  readonly time = new VirtualTime();
  readonly dice: Dice;
  readonly platform: ModelPlatform;
  readonly replicas: Replica[] = [];
  readonly events: (BrokerEvent & { readonly atMs: number })[] = [];
  readonly store: MemoryTokenStore;
  readonly identity: AppIdentity;
  readonly waitingFaults = new Set<Fault>();
  /** When a fault last did something. */
  lastFaultMs = -Infinity;
  faults = 0;
  /** Those that hit a command to the store: without the store every replica counts for itself. */
  storeFaults = 0;
  requests = 0;
  private readonly lease: MemoryRefreshLease;
  private readonly feed = new MemoryRotationFeed();
  private readonly claim: MemoryAppClaim;
  private readonly probes: MemorySharedProbes;

  constructor(readonly options: WorldOptions) {
    this.identity = { name: APP, provider: 'model', appId: 'wx-model', grant: options.grant };
    this.dice = new Dice(options.seed);
    this.platform = new ModelPlatform(options.grant, options.lifeMs, options.graceMs);
    const storeClock = new VirtualProcess(this.time, this.dice, 0);
    this.lease = new MemoryRefreshLease(storeClock);
    this.claim = new MemoryAppClaim(storeClock);
    this.probes = new MemorySharedProbes(storeClock);
    this.store = options.makeStore(storeClock, this.lease);
    for (let index = 0; index < options.replicas; index += 1) this.boot(index);
  }

  async beganWithin(ms: number): Promise<boolean> {
    const { beganAtMs, nowMs } = await this.store.read(this.identity);
    return nowMs - beganAtMs < ms;
  }

  /** Starts a replica, the first one or one after a crash. */
  boot(index: number): void {
    const process = new VirtualProcess(this.time, this.dice, this.dice.between(0, 1e6));
    const ports = {
      clock: process,
      store: new RemoteStore(this, process, this.store),
      lease: new RemoteLease(this, process, this.lease),
      claim: this.claim,
      probes: new RemoteProbes(this, process, this.probes),
      feed: new LossyFeed(this, process, this.feed),
      events: { emit: (event: BrokerEvent) => this.events.push({ ...event, atMs: this.time.nowMs }) },
      replica: `replica-${String(index)}`,
    };
    const sweep = { periodMs: this.options.sweepMs, minPerInterval: 0 };
    const broker = new TokenBroker([this.app(process)], ports, { sweep });
    this.replicas[index] = { process, broker };
    process.deliver(0, () => void broker.start());
    const tick = (): void => {
      broker.runDue();
      process.deliver(this.dice.between(1500, 2500), tick);
    };
    process.deliver(this.dice.between(0, 1000), tick);
  }

  /** Kills a process without warning; its supervisor starts another one soon. */
  crash(process: VirtualProcess): void {
    process.kill();
    const index = this.replicas.findIndex((replica) => replica.process === process);
    this.time.schedule(this.dice.between(500, 3000), () => {
      this.boot(index);
    });
  }

  /** Uses up a waiting fault, if there is one of this kind. */
  strikes(fault: Fault): boolean {
    if (!this.waitingFaults.delete(fault)) return false;
    this.struck();
    if (fault === 'store_lost' || fault === 'store_deaf') this.storeFaults += 1;
    // Until the sweep.
    if (fault === 'list_lost') this.lastFaultMs += 1.25 * this.options.sweepMs;
    return true;
  }

  struck(): void {
    this.faults += 1;
    this.lastFaultMs = Math.max(this.lastFaultMs, this.time.nowMs);
  }

  /** Does something on the far side after the way there, and brings its answer back to the process. */
  remote<T>(process: VirtualProcess, work: () => Promise<T>): Promise<T> {
    const isLost = this.strikes('store_lost');
    const isDeaf = this.strikes('store_deaf');
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        process.deliver(300, () => {
          reject(new StoreUnavailableError('command timed out'));
        });
      };
      if (isLost) {
        fail();
        return;
      }
      this.time.schedule(this.dice.between(0.2, 3), () => {
        void work().then((answer) => {
          if (isDeaf) fail();
          else
            process.deliver(this.dice.between(0.2, 3), () => {
              resolve(answer);
            });
        });
      });
    });
  }

  loseLeaseOf(lease: Lease): void {
    void this.lease.release(lease);
  }

  private app(process: VirtualProcess): AppDefinition {
    const { aheadMs, dailyBudget, forcedDailyBudget } = this.options;
    return {
      ...this.identity,
      host: 'api.example.com',
      secrets: new AppSecrets('model-secret'),
      issuer: new ModelIssuer(this, process),
      refresh: {
        aheadMs,
        jitterMs: 3000,
        dailyBudget,
        forcedDailyBudget,
        dayOffsetMs: 0,
        verifyReports: true,
        upstreamTimeoutMs: TIMEOUT_MS,
        leaseMs: LEASE_MS,
        reconcileMs: RECONCILE_MS,
      },
      tickets: () => [],
    };
  }
}

class RemoteStore extends TokenStore {
  /** Entries that come after those that were written later. */
  private withheld: ReadonlySet<string> = new Set();

  constructor(
    private readonly world: World,
    private readonly process: VirtualProcess,
    private readonly store: TokenStore,
  ) {
    super();
  }

  override read: TokenStore['read'] = (app) => this.world.remote(this.process, () => this.store.read(app));
  override begin: TokenStore['begin'] = async (app, request) => {
    const begun = await this.world.remote(this.process, () => this.store.begin(app, request));
    if (begun.kind === 'granted' && this.world.strikes('lose_lease')) this.world.loseLeaseOf(request.lease);
    return begun;
  };
  override commit: TokenStore['commit'] = (app, request) =>
    this.world.remote(this.process, () => this.store.commit(app, request));
  override abort: TokenStore['abort'] = (app, request) =>
    this.world.remote(this.process, () => this.store.abort(app, request));
  override reconcile: TokenStore['reconcile'] = (app, known) =>
    this.world.remote(this.process, () => this.store.reconcile(app, known));
  override changes: TokenStore['changes'] = async (since) => {
    const changes = await this.world.remote(this.process, () => this.store.changes(since));
    return changes.kind === 'since' ? this.spoilt(changes, since ?? '') : changes;
  };

  private spoilt(changes: Extract<Changes, { kind: 'since' }>, since: string): Changes {
    const { world, withheld } = this;
    const nothing = new Set<string>();
    this.withheld = nothing;
    const all = { ...changes, keys: new Set([...changes.keys, ...withheld]) };
    if (changes.keys.size === 0) return all;
    if (world.strikes('list_lost')) return { ...changes, keys: nothing };
    if (world.strikes('list_late')) return { ...changes, keys: nothing, cursor: since };
    if (world.strikes('list_trimmed')) return { kind: 'gap', cursor: changes.cursor };
    if (world.strikes('list_reordered')) {
      this.withheld = changes.keys;
      return { ...changes, keys: withheld };
    }
    return all;
  }

  override expire: TokenStore['expire'] = (app) =>
    this.world.remote(this.process, () => this.store.expire(app));
}

class RemoteLease extends RefreshLease {
  constructor(
    private readonly world: World,
    private readonly process: VirtualProcess,
    private readonly lease: RefreshLease,
  ) {
    super();
  }

  override acquire: RefreshLease['acquire'] = async (app, durationMs) => {
    try {
      return await this.world.remote(this.process, () => this.lease.acquire(app, durationMs));
    } catch (error) {
      return { kind: 'unavailable', cause: error as StoreUnavailableError };
    }
  };
  override release: RefreshLease['release'] = (lease) =>
    this.world.remote(this.process, () => this.lease.release(lease)).catch(() => undefined);
}

class RemoteProbes extends SharedProbes {
  constructor(
    private readonly world: World,
    private readonly process: VirtualProcess,
    private readonly probes: SharedProbes,
  ) {
    super();
  }

  override claim: SharedProbes['claim'] = (...asked) =>
    this.world.remote(this.process, () => this.probes.claim(...asked));
  override finish: SharedProbes['finish'] = (...said) =>
    this.world.remote(this.process, () => this.probes.finish(...said));
}

class LossyFeed extends RotationFeed {
  constructor(
    private readonly world: World,
    private readonly process: VirtualProcess,
    private readonly feed: RotationFeed,
  ) {
    super();
  }

  override async publish(app: AppIdentity, generation: number): Promise<void> {
    if (!this.world.dice.chance(0.2)) await this.feed.publish(app, generation);
  }

  override subscribe(listener: (rotation: Rotation) => void): () => void {
    return this.feed.subscribe((rotation) => {
      this.process.deliver(this.world.dice.between(0.2, 5), () => {
        listener(rotation);
      });
    });
  }
}

class ModelIssuer extends TokenIssuer {
  override readonly rule: IssuanceRule;

  constructor(
    private readonly world: World,
    private readonly process: VirtualProcess,
  ) {
    super();
    this.rule = world.options.grant === 'classic' ? CLASSIC_RULE : STABLE_RULE;
  }

  override issue: TokenIssuer['issue'] = (_credentials, deadline, { forceNew }) => {
    const { world, process } = this;
    if (world.strikes('not_sent')) {
      return Promise.resolve({ kind: 'not_sent', cause: new Error('connection refused') });
    }
    world.requests += 1;
    const isRefused = world.strikes('refuse');
    const isDropped = world.strikes('drop_reply');
    const isSlow = world.strikes('slow_request');
    if (world.strikes('kill_after_sending')) world.crash(process);
    const wayMs = isSlow ? world.dice.between(TIMEOUT_MS, LATEST_PROCESSING_MS) : world.dice.between(20, 200);
    return new Promise<IssueOutcome>((resolve) => {
      deadline.signal.addEventListener('abort', () => {
        resolve({ kind: 'unknown', cause: new Error('deadline exceeded') });
      });
      world.time.schedule(wayMs, () => {
        if (isSlow) world.struck();
        const answer: IssueOutcome = isRefused
          ? { kind: 'refused', errcode: -1, message: 'system error' }
          : this.mint(forceNew);
        if (!isDropped)
          process.deliver(world.dice.between(20, 200), () => {
            resolve(answer);
          });
      });
    });
  };

  private mint(forceNew: boolean): IssueOutcome {
    const { value, expiresInMs } = this.world.platform.process(this.world.time.nowMs, forceNew);
    return { kind: 'issued', value, expiresInSeconds: Math.floor(expiresInMs / 1000) };
  }

  override probe: NonNullable<TokenIssuer['probe']> = (token) =>
    new Promise<ProbeAnswer>((resolve) => {
      this.world.time.schedule(this.world.dice.between(20, 100), () => {
        const isAccepted = this.world.platform.isAccepted(token, this.world.time.nowMs);
        this.process.deliver(20, () => {
          resolve({ outcome: isAccepted ? 'accepted' : 'rejected' });
        });
      });
    });

  override explain: TokenIssuer['explain'] = () => BUSY;
}
