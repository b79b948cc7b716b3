/** Newest last; older ones are counted but not listed. */
const LISTED_CALLS = 1000;

/** One request to the simulated platform. `outcome`: `ok`, an errcode, or the name of the fault that spoilt the answer. */
export interface Call {
  /** Arrival, epoch ms. */
  readonly at: number;
  /** Null when the request named no app that exists. */
  readonly app_id: string | null;
  readonly method: string;
  readonly path: string;
  /** The platform looked at it, at this epoch ms; a fault may have kept it from doing so. */
  processed_at: number | null;
  outcome: string;
  /** The id of the fault that hit it. */
  readonly fault: string | null;
}

/** Requests of one app to one path. */
export interface CallCount {
  readonly app_id: string | null;
  readonly path: string;
  /** All that arrived. */
  requests: number;
  /** Those that reached the platform's own checks. */
  processed: number;
  readonly outcomes: Record<string, number>;
}

export class CallLog {
  readonly #counts = new Map<string, CallCount>();
  readonly #calls: Call[] = [];

  arrived(facts: Pick<Call, 'at' | 'app_id' | 'method' | 'path' | 'fault'>): Call {
    const call: Call = { ...facts, processed_at: null, outcome: 'pending' };
    this.#calls.push(call);
    if (this.#calls.length > LISTED_CALLS) this.#calls.shift();
    this.#count(call).requests++;
    return call;
  }

  processed(call: Call, at: number): void {
    call.processed_at = at;
    this.#count(call).processed++;
  }

  ended(call: Call, outcome: string): void {
    call.outcome = outcome;
    const { outcomes } = this.#count(call);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }

  counts(appId?: string): CallCount[] {
    return structuredClone(
      [...this.#counts.values()].filter((count) => (appId ?? count.app_id) === count.app_id),
    );
  }

  calls(appId?: string): Call[] {
    return structuredClone(this.#calls.filter((call) => (appId ?? call.app_id) === call.app_id));
  }

  #count({ app_id, path }: Call): CallCount {
    const key = `${String(app_id)} ${path}`;
    const known = this.#counts.get(key);
    if (known) return known;
    const count: CallCount = { app_id, path, requests: 0, processed: 0, outcomes: {} };
    this.#counts.set(key, count);
    return count;
  }
}
