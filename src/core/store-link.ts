import type { BrokerPorts } from './broker-ports.js';
import { StoreUnavailableError } from './errors.js';
import type { AppName } from './token.js';

/** After the store gave no answer, nothing is asked of it for at least this long. */
const RETRY_MS = 500;

/** Whether the store answers for one app, as its last answer showed. */
export class StoreLink {
  private retryAtMonoMs = -Infinity;
  private outage: { readonly message: string; readonly sinceMs: number } | null = null;

  constructor(
    private readonly app: AppName,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'observer'>,
  ) {}

  /** Since when, and with which words, the store does not answer; null while it does. */
  get down(): { readonly message: string; readonly sinceMs: number } | null {
    return this.outage;
  }

  /** It failed so recently that asking again can wait. */
  get isResting(): boolean {
    return this.ports.clock.monotonicMs() < this.retryAtMonoMs;
  }

  /** Notes how the store fared in `work`; its failure becomes a result. */
  async over<T>(work: () => Promise<T>): Promise<T | { readonly kind: 'store_unavailable' }> {
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
    if (this.outage) this.ports.observer.notice({ app: this.app, kind: 'store_available' });
    this.outage = null;
    this.retryAtMonoMs = -Infinity;
  }

  private failed({ message }: Error): void {
    const { clock, observer } = this.ports;
    this.retryAtMonoMs = clock.monotonicMs() + RETRY_MS * (1 + clock.random());
    if (!this.outage) observer.notice({ app: this.app, kind: 'store_unavailable', message });
    this.outage = { message, sinceMs: this.outage?.sinceMs ?? clock.wallMs() };
  }
}
