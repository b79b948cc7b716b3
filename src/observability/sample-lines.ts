import type { ErrorCode } from '../core/error-code.js';

/** Half a millisecond's work. */
const LINES_OF_A_PIECE = 1000;

type Labels<Label extends string> = Readonly<Record<Label, string>>;

/**
 * A counter or gauge that keeps the text of its labels. prom-client makes that text anew at every scrape: a third of a
 * second for the series of 1,000 apps, in which nobody gets a token. Values of the first label are many, such as apps;
 * combinations of the others are few, and kept once for all.
 */
export class SampleLines<Label extends string> {
  /** Where in a row each combination of the other labels stands. */
  private readonly places = new Map<string, number>();
  /** One row for each value of the first label; samples without labels are under the empty text. */
  private readonly rows = new Map<string, (number | undefined)[]>();
  private isSummed = false;

  constructor(
    private readonly head: {
      readonly name: string;
      readonly type: 'counter' | 'gauge';
      readonly help: string;
      readonly labels: readonly [Label, ...Label[]];
    },
  ) {}

  /**
   * From now on, and of what was counted so far, all values of the first label are one, and shown without the label: a sum that
   * only ever grows, whatever came and went.
   */
  sumUp(isSummed: boolean): void {
    this.isSummed = isSummed;
    if (!isSummed || this.head.type === 'gauge') return;
    const total = this.total();
    this.rows.clear();
    if (total.length > 0) this.rows.set('', total);
  }

  add(labels: Labels<Label>, by = 1): void {
    const [row, place] = this.find(labels);
    row[place] = (row[place] ?? 0) + by;
  }

  set(labels: Labels<Label>, value: number): void {
    const [row, place] = this.find(labels);
    row[place] = value;
  }

  get firstLabel(): Label {
    return this.head.labels[0];
  }

  /** Drops all that is kept of some values of the first label. */
  forget(isGone: (value: string) => boolean): void {
    for (const value of this.rows.keys()) if (isGone(value)) this.rows.delete(value);
  }

  clear(): void {
    this.rows.clear();
  }

  /** In the text format that Prometheus scrapes, some hundred lines at a time. */
  *pieces(): Generator<string, void> {
    const { name, type, help, labels } = this.head;
    const others = [...this.places.keys()];
    let lines = [`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`];
    // A gauge is set by its label, so its sum is made when it is shown.
    const rows = this.isSummed && this.rows.size > 0 ? [['', this.total()] as const] : [...this.rows];
    for (const [first, row] of rows) {
      const start = first === '' ? '' : labelText(labels[0], first);
      row.forEach((value, place) => {
        if (value === undefined) return;
        const other = others[place] ?? '';
        const shown = start === '' ? other.slice(1) : start + other;
        lines.push(shown === '' ? `${name} ${String(value)}\n` : `${name}{${shown}} ${String(value)}\n`);
      });
      if (lines.length < LINES_OF_A_PIECE) continue;
      yield lines.join('');
      lines = [];
    }
    yield lines.join('');
  }

  private total(): (number | undefined)[] {
    const total: (number | undefined)[] = [];
    for (const row of this.rows.values()) {
      row.forEach((value, place) => {
        if (value !== undefined) total[place] = (total[place] ?? 0) + value;
      });
    }
    return total;
  }

  private find(labels: Labels<Label>): [row: (number | undefined)[], place: number] {
    const [first, ...others] = this.head.labels;
    const text = others.map((label) => `,${labelText(label, labels[label])}`).join('');
    const place = this.places.get(text) ?? this.places.size;
    this.places.set(text, place);
    const value = this.isSummed && this.head.type === 'counter' ? '' : labels[first];
    const row = this.rows.get(value) ?? [];
    this.rows.set(value, row);
    return [row, place];
  }
}

function labelText(label: string, value: string): string {
  return `${label}=${JSON.stringify(value)}`;
}

/** A platform has some hundred errcodes; one that invents them must not fill the memory of whoever counts them. */
export const MAX_ERRCODES = 200;

/** The values of a label `errcode`: as many as there are room for, and `other` for all that come later. */
export class ErrcodeLabels {
  private readonly known: Set<ErrorCode>;

  /** @param errcodes always have a value of their own */
  constructor(errcodes: Iterable<ErrorCode> = []) {
    this.known = new Set(errcodes);
  }

  labelOf(errcode: ErrorCode): string {
    if (this.known.size < MAX_ERRCODES) this.known.add(errcode);
    return this.known.has(errcode) ? String(errcode) : 'other';
  }
}

interface Row {
  /** Observations by the first bound that is not below them; the last one counts those above all bounds. */
  readonly counts: number[];
  sumSeconds: number;
}

const ROWS_OF_A_PIECE = 50;

/** A histogram of one label. An observation costs two array accesses, which the hot route can pay; the rest is left to the scrape. */
export class DurationLines {
  /** One count for each value of the label; the count without a label is under the empty text. */
  private readonly rows = new Map<string, Row>();
  private isSummed = false;

  constructor(
    readonly head: {
      readonly name: string;
      readonly help: string;
      readonly label: string;
      /** Upper bounds in seconds, ascending, without infinity. */
      readonly bounds: readonly number[];
    },
  ) {}

  get firstLabel(): string {
    return this.head.label;
  }

  /** Drops all that is kept of some values of the label. */
  forget(isGone: (value: string) => boolean): void {
    for (const value of this.rows.keys()) if (isGone(value)) this.rows.delete(value);
  }

  /** As `SampleLines.sumUp`. */
  sumUp(isSummed: boolean): void {
    this.isSummed = isSummed;
    if (!isSummed || this.rows.size === 0) return;
    const rows = [...this.rows.values()];
    this.rows.clear();
    const total = this.show('');
    for (const { counts, sumSeconds } of rows) {
      total.sumSeconds += sumSeconds;
      for (const [index, count] of counts.entries()) total.counts[index] = (total.counts[index] ?? 0) + count;
    }
  }

  observe(value: string, seconds: number): void {
    const { bounds } = this.head;
    const label = this.isSummed ? '' : value;
    const row = this.rows.get(label) ?? this.show(label);
    let index = 0;
    while (index < bounds.length && seconds > (bounds[index] ?? 0)) index += 1;
    row.counts[index] = (row.counts[index] ?? 0) + 1;
    row.sumSeconds += seconds;
  }

  /** Shows the label's row, as it is or at 0. */
  show(label: string): Row {
    const row = this.rows.get(label) ?? {
      counts: new Array<number>(this.head.bounds.length + 1).fill(0),
      sumSeconds: 0,
    };
    this.rows.set(label, row);
    return row;
  }

  /** In the text format that Prometheus scrapes, some hundred lines at a time. */
  *pieces(): Generator<string, void> {
    const { name, help, label, bounds } = this.head;
    let text = `# HELP ${name} ${help}\n# TYPE ${name} histogram\n`;
    let rows = 0;
    for (const [value, { counts, sumSeconds }] of [...this.rows]) {
      const labels = value === '' ? '' : `${label}=${JSON.stringify(value)}`;
      const [before, alone] = labels === '' ? ['', ''] : [`${labels},`, `{${labels}}`];
      let total = 0;
      for (const [index, count] of counts.entries()) {
        total += count;
        text += `${name}_bucket{${before}le="${String(bounds[index] ?? '+Inf')}"} ${String(total)}\n`;
      }
      text += `${name}_sum${alone} ${String(sumSeconds)}\n${name}_count${alone} ${String(total)}\n`;
      rows += 1;
      if (rows % ROWS_OF_A_PIECE > 0) continue;
      yield text;
      text = '';
    }
    yield text;
  }
}

type Counts = Map<number, { count: number }>;

/** Counts requests by route, method and status at a tenth of the cost of a joined key, since every request pays it. */
export class RequestTally {
  private readonly routes = new Map<string, Map<string, Counts>>();

  count(route: string, method: string, status: number): void {
    const tally = this.routes.get(route)?.get(method)?.get(status) ?? this.show(route, method, status);
    tally.count += 1;
  }

  /** Has it counted from 0, before the first one comes. */
  show(route: string, method: string, status: number): { count: number } {
    const methods = this.routes.get(route) ?? new Map<string, Counts>();
    const codes = methods.get(method) ?? new Map<number, { count: number }>();
    const tally = { count: 0 };
    this.routes.set(route, methods.set(method, codes.set(status, tally)));
    return tally;
  }

  all(): {
    readonly route: string;
    readonly method: string;
    readonly code: string;
    readonly count: number;
  }[] {
    return [...this.routes].flatMap(([route, methods]) =>
      [...methods].flatMap(([method, codes]) =>
        [...codes].map(([code, { count }]) => ({ route, method, code: String(code), count })),
      ),
    );
  }
}
