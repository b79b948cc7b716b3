import type { AppDefinition } from '../app-definition.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import { SingleFlight } from '../refresh/single-flight.js';
import type { ProbeOutcome } from '../ports/token-issuer.js';

/** What the platform said of a token, and when. */
export interface Probed {
  readonly value: string;
  readonly outcome: ProbeOutcome;
  readonly atMonoMs: number;
}

/** Tries one app's tokens at the platform: once for all who ask at the same time, and remembers the last answer. */
export class TokenProbe {
  private readonly flights = new SingleFlight<string, Probed>();
  private last: Probed | null = null;

  constructor(
    private readonly app: AppDefinition,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events'>,
  ) {}

  /** Joins whoever asks just now; else an answer that is younger than `cacheMs` will do. Never throws. */
  async try(value: string, cacheMs: number, timeoutMs: number): Promise<Probed> {
    const { last } = this;
    const isFresh = last?.value === value && this.ports.clock.monotonicMs() - last.atMonoMs < cacheMs;
    return isFresh && !this.flights.isRunning(value)
      ? last
      : this.flights.run(value, () => this.ask(value, timeoutMs));
  }

  private async ask(value: string, timeoutMs: number): Promise<Probed> {
    const { clock, events } = this.ports;
    const startMonoMs = clock.monotonicMs();
    const controller = new AbortController();
    const cancel = clock.after(timeoutMs, () => {
      controller.abort();
    });
    const outcome = await this.app.issuer.probe(value, { signal: controller.signal, timeoutMs });
    cancel();
    const atMonoMs = clock.monotonicMs();
    const probed = { value, outcome, atMonoMs };
    if (outcome !== 'no_answer') this.last = probed;
    events.emit({ app: this.app.name, kind: 'probed', outcome, durationMs: atMonoMs - startMonoMs });
    return probed;
  }
}
