import type { AppDefinition } from '../app-definition.js';
import type { TokenMemory } from './token-memory.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import {
  budgetOf,
  counted,
  dayOf,
  exhaustedBudget,
  NO_COUNT,
  sumOf,
  type Charge,
  type DayCount,
} from './budgets.js';
import type { RefreshRequest, PendingWrites } from './refresh.js';
import type { TokenFetch } from './token-fetch.js';
import { fingerprint } from '../token.js';
import type { BackOff } from '../ports/token-store.js';
import { recordOf } from './transitions.js';

/** Two replicas that fetch in the same millisecond should not name two tokens by one generation. */
const GENERATION_SPREAD = 1000;

/**
 * Keeps the token alive while the store is away. Nothing coordinates the replicas then, so a platform that mints at
 * every call is asked only when there is nothing left to lose. The token is stored, as a suspect one, when the
 * store is back: reconciling finds it behind.
 */
export class OfflineRefresh {
  private failure: BackOff | null = null;
  private failures = 0;
  private waitUntilMonoMs = -Infinity;
  private day = { number: 0, count: NO_COUNT };

  constructor(
    private readonly app: AppDefinition,
    private readonly memory: TokenMemory,
    private readonly tokenFetch: TokenFetch,
    private readonly pending: PendingWrites,
    private readonly ports: BrokerPorts,
  ) {}

  /** Why the last fetch without the store brought no token, and how long the next one waits; or null. */
  get lastFailure(): BackOff | null {
    return this.failure;
  }

  /** When the next one may be sent after a failure, on the monotonic clock. */
  get nextMonoMs(): number {
    return this.waitUntilMonoMs;
  }

  /** Forgets its failures: the store is back and keeps count again. */
  reset(): void {
    this.failure = null;
    this.failures = 0;
  }

  isAllowed({ isProvenDead, charge, reason }: RefreshRequest): boolean {
    const { memory, app, ports } = this;
    const isOfNewSecret = reason === 'secret_change';
    if (ports.clock.monotonicMs() < this.waitUntilMonoMs && !isOfNewSecret) return false;
    if (exhaustedBudget(this.today(), 0, charge, budgetOf(app.refresh))) return false;
    if (isProvenDead) return true;
    if (app.issuer.rule.previous === 'stays_valid')
      return !memory.livingToken || memory.isDue || isOfNewSecret;
    // A replica that never held a token cannot know whether others serve a living one, which its fetch would kill.
    return memory.token !== null && memory.isLastChance;
  }

  async run({ reason, forceNew, charge }: RefreshRequest): Promise<void> {
    const { clock, events, replica } = this.ports;
    const { memory } = this;
    const nowMs = memory.storeNowMs();
    const begunMonoMs = clock.monotonicMs();
    const fence =
      Math.max(memory.generation + 1, Math.floor(nowMs)) + Math.floor(clock.random() * GENERATION_SPREAD);
    const before = {
      backOff: this.failure,
      failures: this.failures,
      nowMs,
      count: this.today(),
      day: this.day.number,
      record: memory.token?.record ?? null,
    };
    const result = await this.tokenFetch.send({ reason, forceNew, charge, fence }, before);
    if (result.kind !== 'failed' || result.outcome !== 'not_sent') this.count(charge);
    if (result.kind === 'failed') {
      const { delayMs, ...why } = result.failure;
      const atMs = memory.storeNowMs();
      this.failure = { ...why, atMs, untilMs: atMs + delayMs };
      this.failures += 1;
      this.waitUntilMonoMs = clock.monotonicMs() + delayMs;
      if (result.outcome === 'unknown') {
        this.pending.abortLater({
          grant: { fence, day: this.day.number },
          charge,
          outcome: 'unknown',
          backOff: null,
        });
      }
      return;
    }
    this.reset();
    const { value, expiresInMs, tokenType } = result;
    const base = memory.token?.record ?? null;
    const grant = { fence, view: { nowMs, record: base } };
    const record = recordOf({ grant, value, expiresInMs, tokenType, owner: replica, reason });
    memory.hold(record, begunMonoMs + expiresInMs);
    // What others fetched meanwhile without knowing of it is a fork.
    memory.noteCommitted(fence);
    events.emit({
      app: this.app.name,
      kind: 'rotated',
      generation: fence,
      fingerprint: fingerprint(value),
      reason,
      expiresInMs,
      sameValue: base?.value === value,
      isStored: false,
    });
  }

  /** What the store last said, and what it does not know of. */
  private today(): DayCount {
    return sumOf(this.memory.storedToday, this.own());
  }

  private own(): DayCount {
    const number = dayOf(this.memory.storeNowMs(), this.app.refresh.dayOffsetMs);
    if (this.day.number !== number) this.day = { number, count: NO_COUNT };
    return this.day.count;
  }

  private count(charge: Charge | null): void {
    this.day = { ...this.day, count: counted(this.own(), charge) };
  }
}
