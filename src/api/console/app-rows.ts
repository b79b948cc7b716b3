import { Injectable } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import { ConsoleData } from '../../core/console/console-data.js';
import type { AppName } from '../../core/token.js';
import { rowView, type AppRow } from './console.views.js';

/** The rows of apps, and which of them differ from how they were shown last. */
@Injectable()
export class AppRows {
  /** As JSON; kept while somebody looks on. */
  private readonly shown = new Map<AppName, string>();

  constructor(
    private readonly broker: TokenBroker,
    private readonly data: ConsoleData,
  ) {}

  of(app: AppName): AppRow {
    return rowView(this.broker.status(app), this.data.board.disagreeingOn(app));
  }

  /** The row is shown to somebody, who is told from now on when it changes. */
  show(app: AppName): AppRow {
    const row = this.of(app);
    if (!this.shown.has(app)) this.shown.set(app, JSON.stringify(row));
    return row;
  }

  /** The row as JSON if it differs from how it was shown last; one that was never shown is not told of. */
  changed(app: AppName): string | null {
    const json = JSON.stringify(this.of(app));
    const before = this.shown.get(app);
    this.shown.set(app, json);
    return before === undefined || before === json ? null : json;
  }

  forget(app: AppName): void {
    this.shown.delete(app);
  }

  /** Nobody looks on any more. */
  clear(): void {
    this.shown.clear();
  }

  get names(): readonly AppName[] {
    return [...this.shown.keys()];
  }
}
