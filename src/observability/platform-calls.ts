import type { Clock } from '../core/ports/clock.js';
import type { PlatformState } from '../core/console/console-data.js';
import { EventSink, type BrokerEvent } from '../core/ports/events.js';
import type { AppName } from '../core/token.js';

interface LastCall {
  readonly atMs: number;
  readonly answeredAtMs: number | null;
  /** Null: it was answered, be it with a refusal. */
  readonly fault: { readonly message: string | null; readonly remedy: string | null } | null;
}

/** Whether platforms can be reached, as the fetches of tokens show. */
export class PlatformCalls extends EventSink {
  private readonly last = new Map<AppName, LastCall>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override emit(event: BrokerEvent): void {
    if (event.kind !== 'fetch_ended' && event.kind !== 'probed') return;
    const isAnswered =
      event.kind === 'probed'
        ? event.outcome !== 'no_answer'
        : event.outcome === 'issued' || event.outcome === 'refused';
    const atMs = this.clock.wallMs();
    const before = this.last.get(event.app);
    if (isAnswered) this.last.set(event.app, { atMs, answeredAtMs: atMs, fault: null });
    else if (event.kind === 'fetch_ended') {
      const { message, remedy } = event;
      const answeredAtMs = before?.answeredAtMs ?? null;
      this.last.set(event.app, { atMs, answeredAtMs, fault: { message, remedy } });
    }
  }

  /** Knows nothing more of apps but these. */
  keep(apps: readonly AppName[]): void {
    if (this.last.size <= apps.length) return;
    const kept = new Set(apps);
    for (const app of this.last.keys()) if (!kept.has(app)) this.last.delete(app);
  }

  /** @param hosts of each app that has one, the host of its platform */
  states(hosts: ReadonlyMap<AppName, string>): readonly PlatformState[] {
    const byHost = new Map<string, (LastCall | undefined)[]>();
    for (const [app, host] of hosts) {
      const calls = byHost.get(host) ?? [];
      calls.push(this.last.get(app));
      byHost.set(host, calls);
    }
    return [...byHost]
      .map(([host, calls]) => stateOf(host, calls))
      .sort((a, b) => (a.host < b.host ? -1 : 1));
  }
}

function stateOf(host: string, all: readonly (LastCall | undefined)[]): PlatformState {
  const calls = all.filter((call) => call !== undefined);
  const newest = calls.reduce<LastCall | null>((a, b) => (a && a.atMs > b.atMs ? a : b), null);
  const answers = calls.map(({ answeredAtMs }) => answeredAtMs ?? 0);
  const lastAnswerAtMs = answers.reduce((a, b) => Math.max(a, b), 0);
  return {
    host,
    ok: !newest?.fault,
    apps: all.length,
    failingApps: calls.filter(({ fault }) => fault !== null).length,
    message: newest?.fault?.message ?? null,
    remedy: newest?.fault?.remedy ?? null,
    lastAnswerAtMs: lastAnswerAtMs === 0 ? null : lastAnswerAtMs,
  };
}
