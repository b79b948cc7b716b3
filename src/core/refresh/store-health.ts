import type { BrokerPorts } from '../ports/broker-ports.js';
import { StoreUnavailableError } from '../errors.js';
import type { AppName } from '../token.js';

/** A store that gave no answer is left alone for at least this long. */
const RETRY_MS = 500;

const NOTHING_REPORTED: ReadonlySet<string> = new Set();

/** Why the store does not answer, what a person does about it, and since when. */
export interface StoreOutage {
  readonly message: string;
  readonly remedy: string;
  readonly sinceMs: number;
}

/** Whether the store answers for one app, as its last answer showed. */
export class StoreHealth {
  private retryAtMonoMs = -Infinity;
  private current: StoreOutage | null = null;
  /** Of this outage, without the numbers that some have in them. */
  private reported: ReadonlySet<string> = NOTHING_REPORTED;

  constructor(
    private readonly app: AppName,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events'>,
  ) {}

  /** Null while it answers. */
  get outage(): StoreOutage | null {
    return this.current;
  }

  /** When it may be asked again, on the monotonic clock. */
  get nextMonoMs(): number {
    return this.retryAtMonoMs;
  }

  /** It failed so recently that asking again can wait. */
  get isOpen(): boolean {
    return this.ports.clock.monotonicMs() < this.retryAtMonoMs;
  }

  /** Notes how the store fared in `work`; its failure becomes a result. */
  async call<T>(work: () => Promise<T>): Promise<T | { readonly kind: 'store_unavailable' }> {
    try {
      const result = await work();
      this.answered();
      return result;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      this.failed(error);
      return { kind: 'store_unavailable' };
    }
  }

  private answered(): void {
    if (this.current) this.ports.events.emit({ app: this.app, kind: 'store_available' });
    this.current = null;
    this.reported = NOTHING_REPORTED;
    this.retryAtMonoMs = -Infinity;
  }

  /** Each reason is news once in an outage: the first one is often only how the connection ended. */
  private failed({ message, remedy }: StoreUnavailableError): void {
    const { clock, events } = this.ports;
    this.retryAtMonoMs = clock.monotonicMs() + RETRY_MS * (1 + clock.random());
    this.current = { message, remedy, sinceMs: this.current?.sinceMs ?? clock.wallMs() };
    const reason = message.replace(/\d+/g, '#');
    if (this.reported.has(reason)) return;
    this.reported = new Set(this.reported).add(reason);
    events.emit({ app: this.app, kind: 'store_unavailable', message, remedy });
  }
}
