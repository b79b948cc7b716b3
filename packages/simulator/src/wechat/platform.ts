import { randomBytes } from 'node:crypto';
import { Account } from './account.js';
import { Calendar } from './calendar.js';
import { CallLog } from '../call-log.js';
import type { Settings } from './settings.js';
import { Tickets } from './tickets.js';
import { MediaShelf } from './media-shelf.js';
import { TokenLedger } from '../token-ledger.js';
import { LoginState } from './login/login-state.js';

/** Tokens are `<n>_` and base64url, 147 characters while n has two digits. Live prefixes have grown over the years and stood here in 2023. */
const FIRST_PREFIX = 83;
const TOKEN_BYTES = 108;

/** All that the simulated platform remembers. A fresh one is a fresh world. */
export class Platform {
  readonly ledger: TokenLedger;
  readonly calendar = new Calendar();
  readonly calls = new CallLog();
  readonly tickets: Tickets;
  readonly logins: LoginState;
  readonly media = new MediaShelf();
  readonly #accounts: ReadonlyMap<string, Account>;

  constructor(readonly settings: Settings) {
    let prefix = FIRST_PREFIX;
    this.ledger = new TokenLedger(
      () => `${String(prefix++)}_${randomBytes(TOKEN_BYTES).toString('base64url')}`,
    );
    this.tickets = new Tickets(settings.lifeMs);
    this.logins = new LoginState(settings.login, settings.lifeMs);
    this.#accounts = new Map(
      settings.apps.map((app) => [app.appId, new Account(app, this.ledger, settings, this.calendar)]),
    );
  }

  account(appId: string): Account | undefined {
    return this.#accounts.get(appId);
  }
}
