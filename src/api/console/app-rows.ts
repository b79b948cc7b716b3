import { Injectable } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import { ConsoleData } from '../../core/console/console-data.js';
import type { AppState } from '../../core/status/app-status.js';
import type { AppName } from '../../core/token.js';
import { rowView, type AppRow } from './console.views.js';

interface ShownRow {
  readonly json: string;
  readonly state: AppState;
  readonly disagreeing: readonly string[];
}

/** The rows of apps, and which of them differ from how they were shown last. */
@Injectable()
export class AppRows {
  /** Kept while somebody looks on. */
  private readonly shown = new Map<AppName, ShownRow>();

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
    if (!this.shown.has(app)) this.keep(app, JSON.stringify(row));
    return row;
  }

  /** Whether its state is another one than was shown last, or other replicas disagree. Costs a tenth of `changed`. */
  hasOtherState(app: AppName): boolean {
    const shown = this.shown.get(app);
    return (
      shown?.state !== this.broker.state(app) || shown.disagreeing !== this.data.board.disagreeingOn(app)
    );
  }

  /** The row as JSON if it differs from how it was shown last; one that was never shown is not told of. */
  changed(app: AppName): string | null {
    const json = JSON.stringify(this.of(app));
    const before = this.shown.get(app)?.json;
    this.keep(app, json);
    return before === undefined || before === json ? null : json;
  }

  forget(app: AppName): void {
    this.shown.delete(app);
  }

  /** Nobody looks on any more. */
  clear(): void {
    this.shown.clear();
  }

  private keep(app: AppName, json: string): void {
    const [state, disagreeing] = [this.broker.state(app), this.data.board.disagreeingOn(app)];
    this.shown.set(app, { json, state, disagreeing });
  }
}
