/** Two clients that report one token within this time are believed where the platform gives no answer. */
const VOTE_MS = 60_000;
/** A client that the platform contradicted so often within `WRONG_MS` is no longer a reason to ask it. */
const MAX_WRONG = 5;
const WRONG_MS = 600_000;

/** What the clients that report one app's tokens have reported of late, and how often they were wrong. */
export class Reporters {
  private votes: { value: string; atMonoMs: ReadonlyMap<string, number> } = {
    value: '',
    atMonoMs: new Map(),
  };
  private readonly wrong = new Map<string, number[]>();

  /**
   * Counts the client in. `isFirst`: it had not reported this token within the last minute; `isSeconded`: two different
   * clients have by now, without those that were often wrong.
   */
  vote(client: string, value: string, nowMonoMs: number): { isFirst: boolean; isSeconded: boolean } {
    const before = this.votes.value === value ? this.votes.atMonoMs : new Map<string, number>();
    const recent = new Map([...before].filter(([, at]) => nowMonoMs - at < VOTE_MS));
    const isFirst = !recent.has(client);
    recent.set(client, nowMonoMs);
    this.votes = { value, atMonoMs: recent };
    const believed = [...recent.keys()].filter((one) => !this.isOftenWrong(one, nowMonoMs));
    return { isFirst, isSeconded: believed.length >= 2 };
  }

  /** The platform accepted what this client reported as dead. Reports that share a probe count once. */
  contradicted(client: string, probedMonoMs: number): void {
    const known = this.wrong.get(client) ?? [];
    if (known.at(-1) !== probedMonoMs) this.wrong.set(client, [...known, probedMonoMs].slice(-MAX_WRONG));
  }

  /** Contradicted 5 times within 10 minutes. */
  isOftenWrong(client: string, nowMonoMs: number): boolean {
    const recent = (this.wrong.get(client) ?? []).filter((at) => nowMonoMs - at < WRONG_MS);
    return recent.length >= MAX_WRONG;
  }
}
