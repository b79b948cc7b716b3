import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { TokenEventStreams } from '../api/tokens/token-event-streams.js';
import { type ClientSection, endingKeys } from '../config/client.section.js';
import { SHOWN_DIGITS } from '../core/client-keys.js';
import { Clock } from '../core/ports/clock.js';
import { Runtime } from '../composition/runtime.module.js';

/** The wall clock may be set meanwhile. */
const LOOK_MS = 60_000;

/** Watches the API keys that end: says so some days before, and ends their event streams when it is time. */
@Injectable()
export class KeyExpiry implements OnApplicationShutdown {
  private clients: readonly ClientSection[] = [];
  private readonly told = new Set<string>();
  private stop: () => void = () => undefined;

  constructor(
    private readonly runtime: Runtime,
    private readonly clock: Clock,
    private readonly streams: TokenEventStreams,
  ) {}

  /** The keys of these clients and no others from now on. */
  follow(clients: readonly ClientSection[]): void {
    this.clients = clients;
    this.look();
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  private readonly look = (): void => {
    this.stop();
    const nowMs = this.clock.wallMs();
    const ending = endingKeys(this.clients, nowMs);
    const news = ending.filter(({ sha256, hasEnded, expiresAtMs }) =>
      this.isNews([sha256, hasEnded, expiresAtMs].join(' ')),
    );
    for (const { client, sha256, expiresAtMs, hasEnded } of news) {
      this.runtime.logger.warn(
        {
          event: hasEnded ? 'key.expired' : 'key.expires_soon',
          client,
          key: sha256.slice(0, SHOWN_DIGITS),
          expires_at: new Date(expiresAtMs).toISOString(),
        },
        hasEnded
          ? 'an API key has expired and opens nothing any more: take it out of the configuration'
          : 'an API key expires soon: give its client another one, see docs/rotating-secrets.md',
      );
    }
    if (news.some(({ hasEnded }) => hasEnded)) this.streams.recheck(new Set());
    const waits = ending.filter(({ hasEnded }) => !hasEnded).map(({ expiresAtMs }) => expiresAtMs - nowMs);
    this.stop = this.clock.after(Math.min(LOOK_MS, ...waits), this.look);
  };

  private isNews(what: string): boolean {
    if (this.told.has(what)) return false;
    this.told.add(what);
    return true;
  }
}
