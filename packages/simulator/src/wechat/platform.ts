import { Account } from './account.js';
import { Calendar } from './calendar.js';
import { CallLog } from '../call-log.js';
import type { Settings } from './settings.js';
import { Tickets } from './tickets.js';
import { TokenLedger } from './token-ledger.js';

/** All that the simulated platform remembers. A fresh one is a fresh world. */
export class Platform {
  readonly ledger = new TokenLedger();
  readonly calendar = new Calendar();
  readonly calls = new CallLog();
  readonly tickets: Tickets;
  readonly #accounts: ReadonlyMap<string, Account>;

  constructor(readonly settings: Settings) {
    this.tickets = new Tickets(settings.lifeMs);
    this.#accounts = new Map(
      settings.apps.map((app) => [app.appId, new Account(app, this.ledger, settings, this.calendar)]),
    );
  }

  account(appId: string): Account | undefined {
    return this.#accounts.get(appId);
  }
}
