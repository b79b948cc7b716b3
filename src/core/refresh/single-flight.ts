/** At most one call per key at a time; whoever comes while it runs shares its outcome. */
export class SingleFlight<Key, Result> {
  private readonly flights = new Map<Key, Promise<Result>>();

  /** @param onChange called when a call has started and when it has ended */
  constructor(private readonly onChange: () => void = () => undefined) {}

  /** Starts `work`, or joins the call that runs for this key. A joiner asked for something older: check again afterwards. */
  run(key: Key, work: () => Promise<Result>): Promise<Result> {
    const running = this.flights.get(key);
    if (running) return running;
    const flight = work().finally(() => {
      this.flights.delete(key);
      this.onChange();
    });
    this.flights.set(key, flight);
    this.onChange();
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
