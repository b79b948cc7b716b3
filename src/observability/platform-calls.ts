import type { Clock } from '../core/ports/clock.js';
import { EventSink, type BrokerEvent } from '../core/ports/events.js';
import type { HostFault, HostReach } from '../core/ports/replica-registry.js';
import type { AppName } from '../core/token.js';

interface Host {
  lastAnswerAtMs: number | null;
  /** Of the newest call; null: it was answered, be it with a refusal. */
  fault: HostFault | null;
  readonly failing: Set<AppName>;
}

/** A fault without an app that fails is shown for so long: another replica reached the platform, and this one has not called since. */
const ALONE_MS = 30 * 60_000;

/** Whether this replica reaches platforms, as its fetches and tries of tokens show. */
export class PlatformCalls extends EventSink {
  private readonly hosts = new Map<string, Host>();
  private keptFor: readonly AppName[] = [];

  /** @param hostOf null for what is no app, or has no host */
  constructor(
    private readonly clock: Clock,
    private readonly hostOf: (app: AppName) => string | null,
  ) {
    super();
  }

  override emit(event: BrokerEvent): void {
    const { app } = event;
    if (event.kind === 'adopted') this.hosts.get(this.hostOf(app) ?? '')?.failing.delete(app);
    else if (event.kind === 'probed') {
      // Without an answer it is the fetches that tell.
      if (event.outcome !== 'no_answer' || event.errcode !== undefined) this.called(app, null);
    } else if (event.kind === 'fetch_ended') {
      const { outcome, message, remedy } = event;
      const isAnswered = outcome === 'issued' || outcome === 'refused';
      this.called(app, isAnswered ? null : { atMs: this.clock.wallMs(), message, remedy });
    }
  }

  /** Of the hosts that were called. @param apps all that there are: what was known of others is forgotten */
  reaches(apps: readonly AppName[]): readonly HostReach[] {
    if (apps !== this.keptFor) this.keep(apps);
    const sinceMs = this.clock.wallMs() - ALONE_MS;
    return [...this.hosts].map(([host, { lastAnswerAtMs, fault, failing }]) => ({
      host,
      lastAnswerAtMs,
      failingApps: failing.size,
      fault: fault && (failing.size > 0 || fault.atMs > sinceMs) ? fault : null,
    }));
  }

  /** The apps whose last call to the host got no answer. */
  failingAt(host: string): ReadonlySet<AppName> {
    return this.hosts.get(host)?.failing ?? new Set();
  }

  private called(app: AppName, fault: HostFault | null): void {
    const name = this.hostOf(app);
    if (name === null) return;
    const host = this.hosts.get(name) ?? { lastAnswerAtMs: null, fault: null, failing: new Set<AppName>() };
    this.hosts.set(name, host);
    host.fault = fault;
    if (fault) host.failing.add(app);
    else {
      host.lastAnswerAtMs = this.clock.wallMs();
      host.failing.delete(app);
    }
  }

  private keep(apps: readonly AppName[]): void {
    this.keptFor = apps;
    const used = new Set(apps.map((app) => this.hostOf(app)));
    for (const [name, { failing }] of this.hosts) {
      for (const app of failing) if (this.hostOf(app) !== name) failing.delete(app);
      if (!used.has(name)) this.hosts.delete(name);
    }
  }
}
