import type { Call, CallCount } from './call-log.js';
import { ControlInputError } from './input-checks.js';
import { FaultQueue, type FaultRules } from './fault-queue.js';
import type { FaultSpec } from './fault-spec.js';
import type { TokenFilter, Verdict } from './token-ledger.js';
import { tokenReport, type TokenReport } from './token-report.js';
import type { World } from './world.js';

export interface CallReport {
  /** Requests that reached the checks of the token endpoints. */
  readonly fetches: number;
  /** Tokens minted for callers, and for somebody else. */
  readonly minted: number;
  readonly minted_by_others: number;
  readonly counts: CallCount[];
  readonly log: Call[];
}

/** What the shared part has to know of a platform. */
export interface SimulatorTraits<W extends World> extends FaultRules {
  /** Epoch ms; must not go back. */
  readonly now: () => number;
  readonly createWorld: () => W;
  /** The kinds of token that the oracle can be asked for; none: any text. */
  readonly families: readonly string[];
}

/**
 * A platform without its network: its world, the faults that wait for requests, and all that a test may ask of it. Bad
 * arguments throw a ControlInputError.
 */
export abstract class SimulatedPlatform<W extends World = World> {
  readonly faults: FaultQueue;
  readonly families: readonly string[];
  readonly now: () => number;
  /** Calls of the control API that only this platform has, by method and path. `body`: {} where nothing was posted, undefined for what is not JSON. */
  readonly ownControlCalls: Readonly<Record<string, (body: unknown, query: URLSearchParams) => object>> = {};
  readonly #createWorld: () => W;
  #world: W;

  protected constructor(traits: SimulatorTraits<W>) {
    this.faults = new FaultQueue(traits);
    this.families = traits.families;
    this.now = traits.now;
    this.#createWorld = traits.createWorld;
    this.#world = traits.createWorld();
  }

  /** What happens to the platform at once, as posted to the control API. Returns the tokens that died or were minted. */
  abstract cause(event: unknown): TokenReport[];

  get world(): W {
    return this.#world;
  }

  /** Returns the fault's id. */
  addFault(spec: FaultSpec): string {
    return this.faults.add(spec);
  }

  /** Removes one fault and lets go what it holds. */
  removeFault(id: string): void {
    if (!this.faults.remove(id)) throw new ControlInputError(`id: no fault ${id}`);
  }

  clearFaults(): void {
    this.faults.clear();
  }

  /** In the order of issue. */
  tokens(filter: TokenFilter = {}): TokenReport[] {
    const nowMs = this.now();
    return this.world.ledger.list(filter).map((token) => tokenReport(token, nowMs));
  }

  /** Whether the platform accepts, accepted, or as things stand will accept a token at an instant (epoch ms; now). */
  verdict(token: string, atMs = this.now()): Verdict {
    return this.world.ledger.verdict(token, atMs);
  }

  calls(appId?: string): CallReport {
    const { calls, ledger } = this.world;
    const counts = calls.counts(appId);
    const tokens = ledger.list({ appId });
    const others = tokens.filter((token) => token.issuedTo === 'other').length;
    return {
      fetches: counts.reduce(
        (sum, { path, processed }) => sum + (this.faults.isTokenPath(path) ? processed : 0),
        0,
      ),
      minted: tokens.length - others,
      minted_by_others: others,
      counts,
      log: calls.calls(appId),
    };
  }

  /** As freshly made. Requests that are under way end in the world they began in. */
  reset(): void {
    this.clearFaults();
    this.#world = this.#createWorld();
  }
}
