import { createHash } from 'node:crypto';
import { UserBook, type IdPattern } from '../login/user-book.js';
import type { QqSettings, SimulatedQqApp } from './settings.js';

const ID_CHARACTERS = 32;

const QQ_IDS: IdPattern = {
  openidOf: (appId, user) => digest(`${appId} ${user}`),
  hasOpenid: () => false,
  unionidOf: (_appId, _openid, user) => `UID_${digest(user)}`,
};

/** What the platform keeps for one app. */
export class QqApp {
  readonly appId: string;
  readonly unionidAllowed: boolean;
  readonly users: UserBook;
  appKey: string;
  offline = false;
  readonly #redirectUris: readonly string[] | undefined;

  constructor(
    app: SimulatedQqApp,
    private readonly settings: QqSettings,
  ) {
    this.appId = app.appId;
    this.appKey = app.appKey;
    this.unionidAllowed = app.unionidAllowed ?? true;
    this.users = new UserBook(app.appId, QQ_IDS);
    this.#redirectUris = app.redirectUris;
  }

  /** Where a code goes that nobody asked for through the page. */
  get usualRedirectUri(): string {
    return this.#redirectUris?.[0] ?? 'http://localhost/callback';
  }

  mayRedirectTo(uri: string): boolean {
    if (!URL.canParse(uri) || !/^https?:/i.test(uri)) return false;
    if (!this.#redirectUris) return true;
    if (this.settings.redirectMatch === 'exact') return this.#redirectUris.includes(uri);
    return this.#redirectUris.some((one) => new URL(one).host === new URL(uri).host);
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, ID_CHARACTERS).toUpperCase();
}
