import { checkEvent } from '../check-event.js';
import { ControlInputError, isBoolean, isText } from '../input-checks.js';
import { Simulator } from '../simulator.js';
import { tokenReport, type TokenReport } from '../token-report.js';
import type { Client } from './client.js';
import { Oauth2World } from './oauth2-world.js';
import { settingsFrom, type Oauth2Options, type Oauth2Settings } from './settings.js';

/** What happens to the server at once. `appId` is a client_id; without it, it happens to the first client. */
type Oauth2Event = { readonly appId?: string } & (
  | { readonly kind: 'early_death'; readonly token?: string; readonly sameAgain?: boolean }
  | { readonly kind: 'other_fetch' }
  | { readonly kind: 'reset_secret'; readonly clientSecret: string; readonly killTokens?: boolean }
  | { readonly kind: 'set_unauthorized'; readonly unauthorized: boolean }
);

const FIELDS = {
  early_death: { appId: isText, token: isText, sameAgain: isBoolean },
  other_fetch: { appId: isText },
  reset_secret: { appId: isText, clientSecret: isText, killTokens: isBoolean },
  set_unauthorized: { appId: isText, unauthorized: isBoolean },
};
const REQUIRED = { reset_secret: 'clientSecret', set_unauthorized: 'unauthorized' };

/**
 * An OAuth 2 authorization server with the client credentials grant (RFC 6749 4.4), as friendly or unfriendly as its options
 * say, and a resource that tells dead tokens (RFC 6750). The control API is that of every simulator; errcodes are words.
 */
export class Oauth2Simulator extends Simulator<Oauth2World> {
  readonly settings: Oauth2Settings;

  constructor(options: Oauth2Options = {}) {
    const settings = settingsFrom(options);
    super({
      now: settings.now,
      createWorld: () => new Oauth2World(settings),
      families: [],
      isTokenPath: (path) => path === settings.tokenPath,
      isErrcode: isText,
    });
    this.settings = settings;
  }

  get tokenUrl(): string {
    return this.url + this.settings.tokenPath;
  }

  override cause(value: unknown): TokenReport[] {
    checkEvent<Oauth2Event>(value, FIELDS, REQUIRED);
    switch (value.kind) {
      case 'early_death':
        return this.killTokens(value);
      case 'other_fetch':
        return [this.fetchByOther(value.appId)];
      case 'reset_secret':
        return this.resetSecret(value.clientSecret, value);
      case 'set_unauthorized':
        this.#client(value.appId).unauthorized = value.unauthorized;
        return [];
    }
  }

  /**
   * Ends the newest tokens of a client, or the one that is named, and returns them; there must be one that lives.
   * `sameAgain`: fetches hand it out until its expiry all the same, where the server repeats tokens.
   */
  killTokens({
    appId,
    token: value,
    sameAgain = this.settings.afterEarlyDeath === 'same',
  }: { readonly appId?: string; readonly token?: string; readonly sameAgain?: boolean } = {}): TokenReport[] {
    const client = this.#client(appId);
    const nowMs = this.now();
    const named = value === undefined ? client.current : [this.world.ledger.find(value)];
    const doomed = named
      .filter((token) => token !== undefined)
      .filter((token) => token.fateAt(nowMs) === 'valid');
    if (doomed.length === 0) throw new ControlInputError('token: none that lives');
    for (const token of doomed) {
      token.endAt(nowMs, 'killed');
      client.setComesBack(token, sameAgain);
    }
    return doomed.map((token) => tokenReport(token, nowMs));
  }

  /** Somebody else fetches with the same credentials, and as the newest token was asked for. Returns the token. */
  fetchByOther(appId?: string): TokenReport {
    const nowMs = this.now();
    const client = this.#client(appId);
    const scope = client.grantedScope(undefined);
    const details = client.current.at(-1)?.details ?? (scope === undefined ? {} : { scope });
    return tokenReport(client.issue('other', details, nowMs), nowMs);
  }

  /** `killTokens`: those that were fetched with the old secret die with it; default: they live on. */
  resetSecret(
    clientSecret: string,
    { appId, killTokens = false }: { readonly appId?: string; readonly killTokens?: boolean } = {},
  ): TokenReport[] {
    const client = this.#client(appId);
    const lives = client.current.some((token) => token.fateAt(this.now()) === 'valid');
    const killed = killTokens && lives ? this.killTokens({ appId: client.clientId }) : [];
    client.clientSecret = clientSecret;
    return killed;
  }

  #client(clientId = this.settings.clients[0]?.clientId): Client {
    const client = this.world.client(clientId ?? '');
    if (!client) throw new ControlInputError(`appId: no client ${String(clientId)}`);
    return client;
  }
}
