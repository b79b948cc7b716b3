import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { AuthSection, LimitsSection, RateSection } from '../../config/limits.section.js';
import type { Clock } from '../../core/ports/clock.js';
import type { HttpObserver } from '../common/request.js';
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

/** Refusals of a client that are answered at once. Whoever is refused more often sends on and on. */
const REFUSALS_PER_SECOND = 10;
/** Without a refusal of that kind, and without a request that had to wait, for so long nobody floods any more. */
const FLOOD_ENDS_MS = 1000;

/** Of one client on this replica, whichever way it proves who it is. */
class ClientUse {
  inFlight = 0;
  streams = 0;
  refused = 0;
  floodsUntilMonoMs = -Infinity;
  readonly bucket: TokenBucket;
  readonly refusals: TokenBucket;

  constructor(
    public rate: Required<RateSection>,
    nowMonoMs: number,
  ) {
    this.bucket = new TokenBucket(rate.requestsPerSecond, rate.burst, nowMonoMs);
    this.refusals = new TokenBucket(REFUSALS_PER_SECOND, REFUSALS_PER_SECOND, nowMonoMs);
  }
}

/** On a request that counts as in flight: whose it is, null until that is known. */
const USE = Symbol('client use');
type Tracked = IncomingMessage & { [USE]?: ClientUse | null | undefined };

/** What each client, and each address that sends wrong keys, may have of this replica. */
@Injectable()
export class ClientLimits {
  private readonly uses = new Map<string, ClientUse>();
  private readonly badKeys: BadKeys;
  private readonly openFiles = maxOpenFiles();
  private floodUntilMonoMs = -Infinity;

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
  of(client: string): Readonly<Pick<ClientUse, 'rate' | 'refused'>> {
    return this.useOf(client);
  }

  /** Whether the client may make one more request now. Called on the hot path. */
  take(client: string, nowMonoMs: number): boolean {
    return this.useOf(client).bucket.take(nowMonoMs);
  }

  /** Whether the client goes on sending while it is refused. Called on the hot path. */
  isFlooding(client: string, nowMonoMs: number): boolean {
    return nowMonoMs < this.useOf(client).floodsUntilMonoMs;
  }

  /** Counts a request that waits for its turn: its client floods on. */
  held(client: string, nowMonoMs: number, remote: string): void {
    this.observer.overloaded('client_held', remote, client);
    this.floods(this.useOf(client), nowMonoMs);
  }

  private floods(use: ClientUse, nowMonoMs: number): void {
    use.floodsUntilMonoMs = nowMonoMs + FLOOD_ENDS_MS;
    this.floodUntilMonoMs = use.floodsUntilMonoMs;
  }

  /** Whether the client floods and may make no request now. Called on the hot path. */
  mustRefuse(client: string, nowMonoMs: number): boolean {
    if (!this.isAnyoneFlooding(nowMonoMs) || !this.isFlooding(client, nowMonoMs)) return false;
    return this.useOf(client).bucket.waitMs(nowMonoMs) > 0;
  }

  /** Whether a wrong key of the address would be one too many. */
  isGuessing(remote: string, nowMonoMs: number): boolean {
    return this.badKeys.isOver(remote, nowMonoMs);
  }

  /** Whether `isFlooding` or `isGuessing` may be true of anybody. Called on the hot path. */
  isAnyoneFlooding(nowMonoMs: number): boolean {
    return nowMonoMs < this.floodUntilMonoMs;
  }

  /** Counts a request that is one too many, and says what it is answered. */
  refusal(client: string, nowMonoMs: number, remote: string): HttpProblem {
    const use = this.useOf(client);
    const { bucket, refusals, rate } = use;
    if (!refusals.take(nowMonoMs)) this.floods(use, nowMonoMs);
    return this.turnAway(
      [client, remote],
      'client_rate',
      `makes more than ${rate.requestsPerSecond} requests a second, with a burst of ${rate.burst}: keep each token for its cache_max_age, or have clients[].rate raised.`,
      bucket.waitMs(nowMonoMs) / 1000,
    );
  }

  /**
   * Counts a request of a client: at its rate, and until `leave` as one in flight, if it is one that `track` was called for.
   *
   * @throws HttpProblem `rate_limited`, `too_many_requests`
   */
  enter(client: string, request: Tracked, remote: string): void {
    const use = this.useOf(client);
    const nowMonoMs = this.clock.monotonicMs();
    if (!use.bucket.take(nowMonoMs)) throw this.refusal(client, nowMonoMs, remote);
    if (request[USE] !== null) return;
    const { requestsInFlightPerClient: max } = this.settings.limits;
    if (use.inFlight >= max) {
      throw this.turnAway(
        [client, remote],
        'client_in_flight',
        `has ${max} requests under way on this replica: await answers before you send more, or have limits.requestsInFlightPerClient raised.`,
        1,
      );
    }
    use.inFlight += 1;
    request[USE] = use;
  }

  /** Has a request counted as in flight, once it is known whose it is. */
  track(request: Tracked): void {
    request[USE] = null;
  }

  /** The request is answered, or its caller gone. May be called more than once. */
  leave(request: Tracked): void {
    const use = request[USE];
    request[USE] = undefined;
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
      throw this.turnAway(
        [client, remote],
        'client_streams',
        `has ${max} event streams open on this replica: share one stream within each process, close those that nobody reads, or have limits.streamsPerClient raised.`,
        30,
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
    const nowMonoMs = this.clock.monotonicMs();
    const waitMs = this.badKeys.failed(remote, nowMonoMs);
    if (waitMs === 0) return;
    this.floodUntilMonoMs = nowMonoMs + FLOOD_ENDS_MS;
    this.observer.overloaded('bad_keys', remote);
    throw new HttpProblem(
      'rate_limited',
      `More than ${this.settings.auth.failuresPerMinute} wrong keys a minute came from this address (auth.failuresPerMinute). This key is not known either; a known one is served at once.`,
      { retryAfterSeconds: waitMs / 1000, members: { limit: 'bad_keys' } },
    );
  }

  /** Counts a request that a limit of its client turns away. */
  private turnAway(
    [client, remote]: readonly [client: string, remote: string],
    limit: 'client_rate' | 'client_in_flight' | 'client_streams',
    detail: string,
    retryAfterSeconds: number,
  ): HttpProblem {
    this.refused(client);
    this.observer.overloaded(limit, remote, client);
    const code = limit === 'client_rate' ? 'rate_limited' : 'too_many_requests';
    return new HttpProblem(code, `Client ${client} ${detail}`, { retryAfterSeconds, members: { limit } });
  }

  private useOf(client: string): ClientUse {
    const known = this.uses.get(client);
    if (known) return known;
    const { clients, rate } = this.settings;
    const own = complete(clients.find(({ name }) => name === client)?.rate ?? rate);
    const use = new ClientUse(own, this.clock.monotonicMs());
    this.uses.set(client, use);
    return use;
  }
}

function complete({ requestsPerSecond, burst = 2 * requestsPerSecond }: RateSection): Required<RateSection> {
  return { requestsPerSecond, burst };
}
