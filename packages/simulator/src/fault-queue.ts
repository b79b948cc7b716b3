import { assertFault, type FaultSpec } from './fault-spec.js';
import type { FieldCheck } from './input-checks.js';

/** What makes sense for a platform. */
export interface FaultRules {
  /** Which paths `token-endpoints` stands for. */
  readonly isTokenPath: (path: string) => boolean;
  readonly isErrcode: FieldCheck;
}

/** A fault that hits a request. */
export interface Fault {
  readonly id: string;
  readonly spec: FaultSpec;
  /** Resolves when the fault is removed. */
  readonly removed: Promise<void>;
}

interface QueuedFault extends Fault {
  hits: number;
  release: () => void;
}

/** A fault as the control API lists it. */
export interface ListedFault extends FaultSpec {
  readonly id: string;
  readonly hits: number;
}

/** Faults waiting for requests, first in first out. A request is hit by one fault at most. */
export class FaultQueue {
  readonly #faults = new Map<string, QueuedFault>();
  #lastId = 0;

  constructor(private readonly rules: FaultRules) {}

  isTokenPath(path: string): boolean {
    return this.rules.isTokenPath(path);
  }

  /** Throws a ControlInputError for a fault that makes no sense; `spec` may come from outside. */
  add(spec: unknown): string {
    assertFault(spec, this.rules.isErrcode);
    const id = `fault-${String(++this.#lastId)}`;
    let release: () => void = () => undefined;
    const removed = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#faults.set(id, { id, spec, removed, release, hits: 0 });
    return id;
  }

  take(path: string, appId: string | null): Fault | undefined {
    for (const fault of this.#faults.values()) {
      if (isUsedUp(fault) || !this.#matches(fault.spec, path, appId)) continue;
      fault.hits++;
      return fault;
    }
    return undefined;
  }

  /** Lets go whatever it holds. False when there is no such fault. */
  remove(id: string): boolean {
    this.#faults.get(id)?.release();
    return this.#faults.delete(id);
  }

  clear(): void {
    for (const id of [...this.#faults.keys()]) this.remove(id);
  }

  /** Used-up ones stay listed with their hits until they are removed. */
  list(): ListedFault[] {
    return [...this.#faults.values()].map(({ id, hits, spec }) => ({ id, hits, ...spec }));
  }

  #matches(
    { path = 'token-endpoints', appId }: FaultSpec,
    actual: string,
    actualApp: string | null,
  ): boolean {
    if (appId !== undefined && appId !== actualApp) return false;
    if (path === 'token-endpoints') return this.isTokenPath(actual);
    return path === '*' || path === actual;
  }
}

function isUsedUp({ spec: { times = 1 }, hits }: QueuedFault): boolean {
  return times > 0 && hits >= times;
}
