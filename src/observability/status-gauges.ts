import type { AppStatus } from '../core/status/app-status.js';
import type { AppName } from '../core/token.js';

/** One number; of several, the value of the gauge's other label beside each; null: no sample. */
type Samples = number | null | Readonly<Record<string, number>>;

/** In the place of an errcode: the platform was not asked, for want of an AppSecret. */
const NO_SECRET = 'no_secret';

/** A gauge that says how an app fares at the moment of a scrape. Nothing of it is kept: it is written as it is read. */
export class StatusGauge {
  constructor(
    private readonly name: string,
    private readonly help: string,
    private readonly read: (status: AppStatus) => Samples,
    private readonly otherLabel = '',
  ) {}

  get head(): string {
    return `# HELP ${this.name} ${this.help}\n# TYPE ${this.name} gauge\n`;
  }

  /** In the text format that Prometheus scrapes. `app` is the label as it is written there. */
  text(app: string, status: AppStatus): string {
    const samples = this.read(status);
    if (samples === null) return '';
    if (typeof samples === 'number') return `${this.name}{${app}} ${String(samples)}\n`;
    let text = '';
    for (const [other, value] of Object.entries(samples)) {
      text += `${this.name}{${app},${this.otherLabel}=${JSON.stringify(other)}} ${String(value)}\n`;
    }
    return text;
  }
}

/** The lines of all gauges, gauge by gauge as the format wants them, while the apps come one by one. */
export class StatusText {
  private readonly done: Buffer[][];
  private readonly lines: string[][];

  constructor(private readonly gauges: readonly StatusGauge[]) {
    this.done = gauges.map(({ head }) => [Buffer.from(head)]);
    this.lines = gauges.map(() => []);
  }

  add(app: AppName, status: AppStatus): void {
    const label = `app=${JSON.stringify(app)}`;
    for (const [index, gauge] of this.gauges.entries()) this.lines[index]?.push(gauge.text(label, status));
  }

  /** So that what is left for the end is not made of a hundred thousand lines. */
  join(): void {
    for (const [index, lines] of this.lines.entries()) {
      this.done[index]?.push(Buffer.from(lines.join('')));
      lines.length = 0;
    }
  }

  get pieces(): readonly Buffer[] {
    this.join();
    return this.done.flat();
  }
}

/** Of an app's token, and of what keeps it from having one. */
export function statusGauges(prefix: string): readonly StatusGauge[] {
  const gauge = (name: string, help: string, read: (status: AppStatus) => Samples, otherLabel?: string) =>
    new StatusGauge(prefix + name, help, read, otherLabel);
  return [
    gauge('token_expiration_timestamp_seconds', 'When the token expires, in Unix time.', (status) =>
      seconds(status.expiresAtMs),
    ),
    gauge('token_issued_timestamp_seconds', 'When the fetch of the token began, in Unix time.', (status) =>
      seconds(status.issuedAtMs),
    ),
    gauge('token_age_seconds', 'Time since the fetch of the token began.', ({ issuedAtMs, nowMs }) =>
      issuedAtMs === null ? null : seconds(nowMs - issuedAtMs),
    ),
    gauge(
      'token_next_refresh_timestamp_seconds',
      'When this replica starts the next fetch, unless another one does, in Unix time.',
      (status) => seconds(status.nextRefreshAtMs),
    ),
    gauge(
      'token_generation',
      'Which token it is: the same on all replicas, and only ever higher.',
      (status) => status.generation,
    ),
    gauge(
      'token_suspect',
      'Whether the token may be dead and will be replaced soon: 1 or 0.',
      ({ generation, state }) => (generation === null ? null : Number(state === 'suspect')),
    ),
    gauge(
      'upstream_config_error',
      'Always 1: the last fetch, or the AppSecret that was read last, was refused for a reason that only a person can mend; errcode no_secret: there is no AppSecret. Absent otherwise.',
      ({ lastError }) =>
        lastError?.class === 'configuration' || lastError?.class === 'secret'
          ? { [String(lastError.errcode ?? NO_SECRET)]: 1 }
          : null,
      'errcode',
    ),
    gauge(
      'upstream_quota_exhausted',
      "Always 1: the last fetch was refused because the platform's quota for the day is used up. Absent otherwise.",
      ({ lastError }) => (lastError?.class === 'day_quota' ? 1 : null),
    ),
    gauge(
      'token_refused',
      "Always 1: the platform refuses the token in use, and the day's budget leaves no fetch to replace it. Absent otherwise.",
      ({ lastError }) => (lastError?.class === 'dead' ? 1 : null),
    ),
    gauge(
      'held_elsewhere',
      'Always 1: another broker on the same Redis fetches for this AppID, so that this one does not. Absent otherwise.',
      ({ lastError }) => (lastError?.class === 'claim' ? 1 : null),
    ),
    gauge(
      'upstream_budget_remaining',
      "Fetches that are left of the platform's day: all (daily), those that may be forced, and those that reports may cause without a proof.",
      remainingBudget,
      'kind',
    ),
  ];
}

function remainingBudget(status: AppStatus): Record<string, number> {
  const { fetchBudget, fetchesToday, forcedBudget, forcedToday, reportsToday } = status;
  const daily = Math.max(0, fetchBudget - fetchesToday);
  if (forcedBudget === 0) return { daily };
  return {
    daily,
    forced: Math.max(0, forcedBudget - forcedToday),
    reports: Math.min(daily, Math.max(0, forcedBudget - reportsToday)),
  };
}

function seconds(ms: number | null): number | null {
  // More digits than that say nothing and take time to write.
  return ms === null ? null : Math.round(ms) / 1000;
}
