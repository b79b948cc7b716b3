import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { AuthSection, LimitsSection, RateSection } from '../../config/limits.section.js';
import type { Clock } from '../../core/ports/clock.js';
import type { HttpObserver } from '../common/ports.js';
import { HttpProblem } from '../common/problem.js';
import { BadKeys } from './bad-keys.js';
import { maxOpenFiles, withinOpenFiles, type MaxConnections } from './connection-limits.js';
import { TokenBucket } from './token-bucket.js';

/** What the limits are made of: a part of the configuration. */
export interface LimitSettings {
  /** Of the clients that have none of their own. */
  readonly rate: RateSection;
  readonly clients: readonly { readonly name: string; readonly rate?: RateSection }[];
  readonly auth: AuthSection;
  readonly limits: LimitsSection;
}

/** Of one client on this replica, whichever way it proves who it is. */
class ClientUse {
  inFlight = 0;
  streams = 0;
  refused = 0;

  constructor(
    readonly bucket: TokenBucket,
    public rate: Required<RateSection>,
  ) {}
}

/** What each client, and each address that sends wrong keys, may have of this replica. */
@Injectable()
export class ClientLimits {
  private readonly uses = new Map<string, ClientUse>();
  private readonly badKeys: BadKeys;
  private readonly openFiles = maxOpenFiles();
  /** Requests that are counted, and whose they are once that is known. */
  private readonly inFlight = new WeakMap<IncomingMessage, ClientUse | null>();

  constructor(
    private settings: LimitSettings,
    private readonly clock: Clock,
    private readonly observer: HttpObserver,
  ) {
    this.badKeys = new BadKeys(settings.auth.failuresPerMinute);
    this.configure(settings);
  }

  /** Takes other limits from now on. What was used stays used; clients that are gone are forgotten. */
  configure(settings: LimitSettings): void {
    this.settings = settings;
    this.badKeys.configure(settings.auth.failuresPerMinute);
    const names = new Set(settings.clients.map(({ name }) => name));
    for (const name of this.uses.keys()) if (!names.has(name)) this.uses.delete(name);
    for (const { name, rate = settings.rate } of settings.clients) {
      const use = this.uses.get(name);
      if (!use) continue;
      use.rate = complete(rate);
      use.bucket.configure(use.rate.requestsPerSecond, use.rate.burst);
    }
  }

  /** Counts a request of the client that is turned away. */
  refused(client: string): void {
    this.useOf(client).refused += 1;
  }

  /** What a client may, and how often it was turned away since this replica runs. */
  of(client: string): { readonly rate: Required<RateSection>; readonly refused: number } {
    const { rate, refused } = this.useOf(client);
    return { rate, refused };
  }

  /** Whether the client may make one more request now. Called on the hot path. */
  take(client: string, nowMonoMs: number): boolean {
    return this.useOf(client).bucket.take(nowMonoMs);
  }

  /**
   * Counts a request of a client: at its rate, and until `leave` as one in flight, if it is one that `track` was called for.
   *
   * @throws HttpProblem `rate_limited`, `too_many_requests`
   */
  enter(client: string, request: IncomingMessage, remote: string): void {
    const use = this.useOf(client);
    const nowMonoMs = this.clock.monotonicMs();
    if (!use.bucket.take(nowMonoMs)) {
      const { requestsPerSecond, burst } = use.rate;
      use.refused += 1;
      this.observer.overloaded('client_rate', remote, client);
      throw new HttpProblem(
        'rate_limited',
        `Client ${client} makes more than ${requestsPerSecond} requests a second, with a burst of ${burst}: keep each token for its cache_max_age, or have clients[].rate raised.`,
        {
          retryAfterSeconds: use.bucket.waitMs(nowMonoMs) / 1000,
          members: { limit: 'client_rate' },
        },
      );
    }
    if (this.inFlight.get(request) !== null) return;
    const { requestsInFlightPerClient: max } = this.settings.limits;
    if (use.inFlight >= max) {
      use.refused += 1;
      this.observer.overloaded('client_in_flight', remote, client);
      throw new HttpProblem(
        'too_many_requests',
        `Client ${client} has ${max} requests under way on this replica: await answers before you send more, or have limits.requestsInFlightPerClient raised.`,
        { retryAfterSeconds: 1, members: { limit: 'client_in_flight' } },
      );
    }
    use.inFlight += 1;
    this.inFlight.set(request, use);
  }

  /** Has a request counted as in flight, once it is known whose it is. */
  track(request: IncomingMessage): void {
    this.inFlight.set(request, null);
  }

  /** The request is answered, or its caller gone. May be called more than once. */
  leave(request: IncomingMessage): void {
    const use = this.inFlight.get(request);
    this.inFlight.delete(request);
    if (use) use.inFlight -= 1;
  }

  /** As the process has files for them. */
  get maxConnections(): MaxConnections {
    return withinOpenFiles(this.settings.limits, this.openFiles);
  }

  get maxInFlight(): number {
    return this.settings.limits.requestsInFlight;
  }

  /**
   * Counts an event stream.
   *
   * @returns to be called once, when it ended
   * @throws HttpProblem `too_many_requests`
   */
  openStream(client: string, remote: string): () => void {
    const use = this.useOf(client);
    const { streamsPerClient: max } = this.settings.limits;
    if (use.streams >= max) {
      use.refused += 1;
      this.observer.overloaded('client_streams', remote, client);
      throw new HttpProblem(
        'too_many_requests',
        `Client ${client} has ${max} event streams open on this replica: share one stream within each process, close those that nobody reads, or have limits.streamsPerClient raised.`,
        { retryAfterSeconds: 30, members: { limit: 'client_streams' } },
      );
    }
    use.streams += 1;
    return () => {
      use.streams -= 1;
    };
  }

  /**
   * Counts a wrong key.
   *
   * @throws HttpProblem `rate_limited` when the address has sent too many
   */
  wrongKey(remote: string): void {
    const waitMs = this.badKeys.failed(remote, this.clock.monotonicMs());
    if (waitMs === 0) return;
    this.observer.overloaded('bad_keys', remote);
    throw new HttpProblem(
      'rate_limited',
      `More than ${this.settings.auth.failuresPerMinute} wrong keys a minute came from this address (auth.failuresPerMinute). This key is not known either; a known one is served at once.`,
      { retryAfterSeconds: waitMs / 1000, members: { limit: 'bad_keys' } },
    );
  }

  private useOf(client: string): ClientUse {
    const known = this.uses.get(client);
    if (known) return known;
    const { clients, rate } = this.settings;
    const own = complete(clients.find(({ name }) => name === client)?.rate ?? rate);
    const use = new ClientUse(
      new TokenBucket(own.requestsPerSecond, own.burst, this.clock.monotonicMs()),
      own,
    );
    this.uses.set(client, use);
    return use;
  }
}

function complete({ requestsPerSecond, burst = 2 * requestsPerSecond }: RateSection): Required<RateSection> {
  return { requestsPerSecond, burst };
}
