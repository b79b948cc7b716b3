import type { ErrorCode } from '../../src/core/error-code.js';
import {
  MemoryAppClaim,
  MemoryRefreshLease,
  MemoryRotationFeed,
  MemorySharedProbes,
  MemoryTokenStore,
} from '../../src/storage/memory/index.js';
import type { AppDefinition, RefreshSettings, TicketDefinition } from '../../src/core/app-definition.js';
import { AppSecrets } from '../../src/core/app-secrets.js';
import { StoreUnavailableError } from '../../src/core/errors.js';
import type { BrokerEvent } from '../../src/core/ports/events.js';
import type { RefreshLease } from '../../src/core/ports/refresh-lease.js';
import { TokenBroker, type BrokerSettings } from '../../src/core/broker.js';
import {
  TokenIssuer,
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
  type ProbeAnswer,
  type ProbeOutcome,
  type RefusalClass,
} from '../../src/core/ports/token-issuer.js';
import type { TokenStore } from '../../src/core/ports/token-store.js';
import { ManualClock, settle } from './manual-clock.js';

const CLASSES: Readonly<Record<ErrorCode, RefusalClass>> = {
  [-1]: 'busy',
  45011: 'minute_quota',
  45009: 'day_quota',
};
const DEAD_TOKEN: ReadonlySet<ErrorCode> = new Set([40001, 40014, 42001, 'invalid_token']);

/** The same token until 300 s of its life are left. */
export const STABLE_RULE: IssuanceRule = {
  repeats: { sameUntilMs: 300_000 },
  previous: 'stays_valid',
  renewsOnFetch: false,
  canForce: true,
};
/** Another token at every fetch; the one before lives on for 300 s. */
export const CLASSIC_RULE: IssuanceRule = {
  repeats: 'never',
  previous: { graceMs: 300_000 },
  renewsOnFetch: false,
  canForce: false,
};

/** Answers as it is told to: by default a new token at every call, `token-1`, `token-2`, …, each good for two hours. */
export class FakeIssuer extends TokenIssuer {
  override rule = STABLE_RULE;
  readonly calls: { readonly appSecret: string; readonly forceNew: boolean }[] = [];
  readonly probed: string[] = [];
  /** Outcomes of the next calls, in order, before the default applies again. */
  readonly next: (IssueOutcome | Promise<IssueOutcome>)[] = [];
  probeOutcome: ProbeOutcome | Promise<ProbeOutcome> = 'rejected';
  /** What the platform says with it. */
  probeWords: Omit<ProbeAnswer, 'outcome'> = {};
  lifeSeconds = 7200;
  private minted = 0;

  override async issue(
    { appSecret }: AppCredentials,
    deadline: Deadline,
    { forceNew }: { readonly forceNew: boolean },
  ): Promise<IssueOutcome> {
    this.calls.push({ appSecret, forceNew });
    const planned = this.next.shift();
    if (planned === undefined) return this.mint();
    return Promise.race([planned, this.timeout(deadline)]);
  }

  override async probe(token: string, deadline: Deadline): Promise<ProbeAnswer> {
    this.probed.push(token);
    const timeout = this.timeout(deadline).then(() => 'no_answer' as const);
    return { ...this.probeWords, outcome: await Promise.race([this.probeOutcome, timeout]) };
  }

  override explain(errcode: ErrorCode): ErrcodeAdvice {
    return {
      class: CLASSES[errcode] ?? 'configuration',
      remedy: `What to do about ${String(errcode)}.`,
      secretRejected: errcode === 40125,
      addressRejected: errcode === 61004,
      curedByNewToken: DEAD_TOKEN.has(errcode) ? 'yes' : Number(errcode) < 60_000 ? 'no' : 'perhaps',
    };
  }

  mint(): IssueOutcome {
    this.minted += 1;
    return this.again();
  }

  /** The token that was minted last, as a platform hands it out again. */
  again(lifeSeconds = this.lifeSeconds): IssueOutcome {
    return { kind: 'issued', value: `token-${String(this.minted)}`, expiresInSeconds: lifeSeconds };
  }

  refuse(errcode: ErrorCode): IssueOutcome {
    return { kind: 'refused', errcode, message: `refused with ${String(errcode)}` };
  }

  /** An answer that the test gives, or that never comes. */
  later(): { readonly outcome: Promise<IssueOutcome>; readonly answer: (outcome: IssueOutcome) => void } {
    let answer: (outcome: IssueOutcome) => void = () => undefined;
    const outcome = new Promise<IssueOutcome>((resolve) => {
      answer = resolve;
    });
    return { outcome, answer };
  }

  private timeout({ signal }: Deadline): Promise<IssueOutcome> {
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        resolve({ kind: 'unknown', cause: new Error('no answer in time') });
      });
    });
  }
}

/** A broker of one app, `shop`, over the memory backend, and all that it works with. */
export interface BrokerFixture {
  readonly broker: TokenBroker;
  readonly app: AppDefinition;
  readonly clock: ManualClock;
  readonly issuer: FakeIssuer;
  readonly store: MemoryTokenStore;
  readonly lease: MemoryRefreshLease;
  readonly feed: MemoryRotationFeed;
  /** Of the broker `here`. */
  readonly claim: MemoryAppClaim;
  readonly emitted: BrokerEvent[];
  /** Makes the store, or the named commands of it, give no answer, until it is called with none. */
  cutStore(...commands: readonly (keyof TokenStore | 'acquire' | 'claim' | 'probe')[]): void;
  /** How often the broker asked for its claim. */
  readonly claimsAsked: number;
  /** A broker of many apps over the same store and platform. */
  brokerOf(count: number, settings?: BrokerSettings): TokenBroker;
  /** Another replica over the same store and platform. */
  sibling(): TokenBroker;
  /** Starts the broker and lets its first fetch end. */
  start(): Promise<void>;
  /** Lets time go by with a tick of the jobs every quarter of a second, as in production. */
  run(ms: number): Promise<void>;
}

/** Every command of the store, for `cutStore`. */
export const ALL_COMMANDS = [
  'read',
  'begin',
  'commit',
  'abort',
  'reconcile',
  'changes',
  'acquire',
  'claim',
  'probe',
] as const;

function unavailableWhenCut(lease: RefreshLease): RefreshLease {
  return {
    acquire: (app, durationMs) =>
      lease
        .acquire(app, durationMs)
        .catch((cause: unknown) => ({ kind: 'unavailable', cause: cause as StoreUnavailableError })),
    release: (held) => lease.release(held),
  };
}

/** The claims of all brokers, of which there are none. */
export function createClaims(clock: ManualClock): MemoryAppClaim {
  return new MemoryAppClaim(clock);
}

/** The alias of its only app. */
export const APP = 'shop';
/** Of its tokens. */
export const LIFE_MS = 7_200_000;
export const NOT_SENT = { kind: 'not_sent', cause: new Error('connection refused') } as const;

export const REFRESH: RefreshSettings = {
  aheadMs: 270_000,
  jitterMs: 20_000,
  dailyBudget: 200,
  forcedDailyBudget: 20,
  dayOffsetMs: 8 * 60 * 60 * 1000,
  verifyReports: true,
  upstreamTimeoutMs: 8000,
  leaseMs: 15_000,
  reconcileMs: 5000,
};

/** The token that callers get at once. */
export function servedValue({ broker }: BrokerFixture): string | undefined {
  return broker.held(APP)?.record.value;
}

export function createBroker(
  refresh: Partial<RefreshSettings> = {},
  {
    issuer = new FakeIssuer(),
    appSecret = 'first-secret',
    tickets = [],
  }: {
    readonly issuer?: FakeIssuer;
    readonly appSecret?: ConstructorParameters<typeof AppSecrets>[0];
    readonly tickets?: readonly TicketDefinition[];
  } = {},
): BrokerFixture {
  const clock = new ManualClock();
  const lease = new MemoryRefreshLease(clock);
  const store = new MemoryTokenStore(clock, lease);
  const cut = new Set<string>();
  const cuttable = <Target extends object>(target: Target): Target =>
    new Proxy(target, {
      get: (object, command, receiver) =>
        cut.has(String(command))
          ? () => Promise.reject(new StoreUnavailableError('connection is closed'))
          : (Reflect.get(object, command, receiver) as unknown),
    });
  const feed = new MemoryRotationFeed();
  const claim = new MemoryAppClaim(clock, 'here:');
  const probes = new MemorySharedProbes(clock);
  let claimsAsked = 0;
  const emitted: BrokerEvent[] = [];
  const app: AppDefinition = {
    name: APP,
    provider: 'fake',
    grant: 'stable',
    appId: 'wx0123456789abcdef',
    host: 'api.example.com',
    secrets: new AppSecrets(appSecret),
    issuer,
    refresh: { ...REFRESH, ...refresh },
    tickets: () => tickets,
  };
  const events = { emit: (event: BrokerEvent): unknown => emitted.push(event) };
  const make = (replica: string, apps = [app], settings: BrokerSettings = {}): TokenBroker =>
    new TokenBroker(
      apps.map((one) => ({ ...one, secrets: new AppSecrets(appSecret) })),
      {
        clock,
        store: cuttable(store),
        lease: unavailableWhenCut(cuttable(lease)),
        feed,
        claim: {
          claim: async (...asked) => {
            claimsAsked += 1;
            if (!cut.has('claim')) return claim.claim(...asked);
            return { kind: 'unavailable', cause: new StoreUnavailableError('connection is closed') };
          },
        },
        probes: {
          claim: async (...asked) => {
            if (cut.has('probe')) throw new StoreUnavailableError('connection is closed');
            return probes.claim(...asked);
          },
          finish: async (...said) => {
            if (cut.has('probe')) throw new StoreUnavailableError('connection is closed');
            await probes.finish(...said);
          },
        },
        events,
        replica,
      },
      settings,
    );
  const broker = make('replica-1');
  return {
    broker,
    app,
    clock,
    issuer,
    store,
    lease,
    feed,
    claim,
    get claimsAsked() {
      return claimsAsked;
    },
    emitted,
    cutStore: (...commands) => {
      cut.clear();
      for (const command of commands) cut.add(command);
    },
    brokerOf: (count, settings) =>
      make(
        'replica-3',
        Array.from({ length: count }, (_, index) => ({ ...app, name: `app-${String(index)}` })),
        settings,
      ),
    sibling: () => make('replica-2'),
    async start() {
      await broker.start();
      await settle();
    },
    async run(ms) {
      for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
        await clock.advance(Math.min(250, leftMs));
        broker.runDue();
        await settle();
      }
    },
  };
}

/** The status of an app whose token may have been replaced by a fetch that nobody heard the end of. */
export const OVERTAKEN = {
  state: 'suspect',
  lastError: {
    class: 'suspect',
    message: expect.stringMatching(/^the platform may have a newer token: /) as string,
  },
};
