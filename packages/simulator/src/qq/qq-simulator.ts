import { checkEvent } from '../check-event.js';
import { checkFields, ControlInputError, isBoolean, isErrcode, isText } from '../input-checks.js';
import type { CodeReport } from '../login/code-book.js';
import { USER_FIELDS, type SimulatedUser, type UserSpec } from '../login/user-book.js';
import { Simulator } from '../simulator.js';
import { tokenReport, type TokenReport } from '../token-report.js';
import { TOKEN_PATH } from './endpoints.js';
import { FAMILY } from './platform.js';
import type { QqApp } from './qq-app.js';
import { QqWorld } from './qq-world.js';
import { settingsFrom, type QqOptions, type QqSettings } from './settings.js';

/** What happens to the platform at once. Without `appId` it happens to the first app. */
type QqEvent = { readonly appId?: string } & (
  | { readonly kind: 'early_death'; readonly token?: string }
  | { readonly kind: 'reset_secret'; readonly appKey: string }
  | { readonly kind: 'set_offline'; readonly offline: boolean }
);

/** Whom something is about. Without `appId`: a user of the first app. */
export interface QqUserSpec extends Omit<UserSpec, 'subscribed' | 'blocked'> {
  readonly appId?: string | undefined;
}

export interface QqCodeSpec extends QqUserSpec {
  /** get_user_info. */
  readonly scope?: string | undefined;
  /** Which the exchange has to repeat; default: the first that is registered. */
  readonly redirectUri?: string | undefined;
}

const EVENT_FIELDS = {
  early_death: { appId: isText, token: isText },
  reset_secret: { appId: isText, appKey: isText },
  set_offline: { appId: isText, offline: isBoolean },
};
const REQUIRED = { reset_secret: 'appKey', set_offline: 'offline' };

const { user, openid, unionid, nickname, headimgurl } = USER_FIELDS;
const SPEC_FIELDS = { appId: isText, user, openid, unionid, nickname, headimgurl };
const CODE_FIELDS = { ...SPEC_FIELDS, scope: isText, redirectUri: isText };

/** QQ Connect: the page, codes, users' tokens, openids and profiles. An app has no token of its own. */
export class QqSimulator extends Simulator<QqWorld> {
  readonly settings: QqSettings;
  override readonly ownControlCalls: Simulator['ownControlCalls'] = {
    'GET /__sim/codes': (_, query) => ({ codes: this.codes(query.get('app_id') ?? undefined) }),
    'POST /__sim/codes': (body) => {
      checkFields(body, CODE_FIELDS);
      return this.createCode(body);
    },
    'POST /__sim/users': (body) => {
      checkFields(body, SPEC_FIELDS);
      return this.putUser(body);
    },
    'POST /__sim/revocations': (body) => {
      checkFields(body, SPEC_FIELDS);
      return { revoked: this.cancelGrants(body) };
    },
  };

  constructor(options: QqOptions = {}) {
    const settings = settingsFrom(options);
    super({
      now: settings.now,
      createWorld: () => new QqWorld(settings),
      families: [FAMILY],
      isTokenPath: (path) => path === TOKEN_PATH,
      isErrcode,
    });
    this.settings = settings;
  }

  override cause(value: unknown): TokenReport[] {
    checkEvent<QqEvent>(value, EVENT_FIELDS, REQUIRED);
    switch (value.kind) {
      case 'early_death':
        return this.killTokens(value);
      case 'reset_secret':
        this.#app(value.appId).appKey = value.appKey;
        return [];
      case 'set_offline':
        this.#app(value.appId).offline = value.offline;
        return [];
    }
  }

  /** Ends the living tokens of an app's users, or the one that is named, and returns them; there must be one. */
  killTokens({
    appId,
    token: value,
  }: { readonly appId?: string; readonly token?: string } = {}): TokenReport[] {
    const app = this.#app(appId);
    const nowMs = this.now();
    const doomed = this.world.ledger
      .list({ appId: app.appId })
      .filter((token) => token.fateAt(nowMs) === 'valid' && (value ?? token.value) === token.value);
    if (doomed.length === 0) throw new ControlInputError('token: none that lives');
    for (const token of doomed) token.endAt(nowMs, 'killed');
    return doomed.map((token) => tokenReport(token, nowMs));
  }

  /** Puts down or changes a user, who need not have logged in. */
  putUser({ appId, ...spec }: QqUserSpec = {}): SimulatedUser {
    return this.#app(appId).users.put(spec);
  }

  /** A code as the page hands it out. `expires_at` is epoch ms. */
  createCode({ appId, scope = 'get_user_info', redirectUri, ...spec }: QqCodeSpec = {}) {
    const app = this.#app(appId);
    const uri = redirectUri ?? app.usualRedirectUri;
    const nowMs = this.now();
    const code = this.world.createCode(app, spec, { scope, redirectUri: uri }, nowMs);
    const { openid: id, unionid: union } = app.users.put(spec);
    const expiresAt = nowMs + this.settings.codeLifeMs;
    return { code, openid: id, unionid: union, redirect_uri: uri, expires_at: expiresAt };
  }

  /** Codes that were made, or arrived in a request. */
  codes(appId?: string): CodeReport[] {
    return this.world.codes.list(appId);
  }

  /** The user takes back what was granted: 100013 for tokens, 100021 for a refresh. Returns how many grants end. */
  cancelGrants({ appId, ...spec }: QqUserSpec = {}): number {
    const app = this.#app(appId);
    return this.world.cancel(app.appId, app.users.put(spec).openid);
  }

  #app(appId = this.settings.apps[0]?.appId): QqApp {
    const app = this.world.app(appId ?? '');
    if (!app) throw new ControlInputError(`appId: no app ${String(appId)}`);
    return app;
  }
}
