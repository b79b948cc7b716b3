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
