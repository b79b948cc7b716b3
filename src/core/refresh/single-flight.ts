/** At most one call per key at a time; whoever comes while it runs shares its outcome. */
export class SingleFlight<Key, Result> {
  private readonly flights = new Map<Key, Promise<Result>>();

  /** Starts `work`, or joins the call that runs for this key. A joiner asked for something older: check again afterwards. */
  run(key: Key, work: () => Promise<Result>): Promise<Result> {
    const running = this.flights.get(key);
    if (running) return running;
    const flight = work().finally(() => this.flights.delete(key));
    this.flights.set(key, flight);
    return flight;
  }

  isRunning(key: Key): boolean {
    return this.flights.has(key);
  }

  /** Resolves when all that run now are over, however they end. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.flights.values());
  }
}
