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
