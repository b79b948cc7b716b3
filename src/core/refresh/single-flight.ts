/** At most one call per key at a time; callers who come while it runs share its outcome. */
export class SingleFlight<Key, Result> {
  /** Null while nothing runs: there are thousands of these, and an empty map takes 200 bytes. */
  private flights: Map<Key, Promise<Result>> | null = null;

  /** @param onChange called when a call has started and when it has ended */
  constructor(private readonly onChange: () => void = () => undefined) {}

  /** Starts `work`, or joins the call that runs for this key. A joiner asked for something older: check again afterwards. */
  run(key: Key, work: () => Promise<Result>): Promise<Result> {
    const running = this.flights?.get(key);
    if (running) return running;
    const flight = work().finally(() => {
      this.flights?.delete(key);
      if (this.flights?.size === 0) this.flights = null;
      this.onChange();
    });
    this.flights ??= new Map();
    this.flights.set(key, flight);
    this.onChange();
    return flight;
  }

  isRunning(key: Key): boolean {
    return this.flights?.has(key) ?? false;
  }

  /** Resolves when all that run now are over, however they end. */
  async settled(): Promise<void> {
    if (this.flights) await Promise.allSettled(this.flights.values());
  }
}
