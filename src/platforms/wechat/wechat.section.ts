import { API_KEY_PREFIX } from '../../config/api-key.js';
import { AppSection, type Conflict } from '../../config/app.section.js';
import { problem } from '../../config/faults.js';
import { About, Check, FromVariable, OneOf, SecretText, Section, Url } from '../../config/keys.js';
import { LoginSection } from '../../config/login.section.js';
import { Secret } from '../../config/secret.js';
import { isInQuotes, oddCharacter } from '../../config/secret-text.js';
import { parseUrl } from '../../config/values.js';

const GRANTS = ['stable', 'classic'] as const;
/** How WeChat gives tokens: `stable` is POST /cgi-bin/stable_token, `classic` is GET /cgi-bin/token. */
export type Grant = (typeof GRANTS)[number];

/** What the app is at WeChat. Mini games are mini programs here. */
const TYPES = ['official_account', 'mini_program', 'website'] as const;

/** `wx` and 16 hex digits: the AppIDs of official accounts, mini programs and mini games, and of what third-party platforms and websites register. */
const APP_ID = /^wx[0-9a-f]{16}$/;

/** An official account, mini program or mini game of WeChat, or a website where people log in with WeChat. */
export class WechatSection extends AppSection {
  readonly provider = 'wechat';
  /** Undefined where the file says nothing. */
  private givenGrant: Grant | undefined;

  @About(
    'decides how users log in. A `website` (网站应用 of the Open Platform) has no access token, so nothing is fetched for it',
  )
  @OneOf(TYPES)
  override readonly type: (typeof TYPES)[number] = 'official_account';

  @About('the AppID: `wx` and 16 hex digits')
  @Check(checkAppId, { type: 'string', pattern: APP_ID.source })
  @FromVariable('BROKER_APP_ID', 'alone')
  readonly appId!: string;

  @About('the AppSecret: 32 hex digits')
  @SecretText(appSecretForm)
  @FromVariable('BROKER_APP_SECRET', 'alone')
  readonly appSecret!: Secret;

  @About('how WeChat gives tokens: [which?](adr/0002-stable-is-the-default-grant.md)')
  @OneOf(GRANTS)
  @Check(checkNoGrantOfWebsite)
  @FromVariable('BROKER_GRANT', 'alone')
  get grant(): Grant {
    return this.givenGrant ?? 'stable';
  }

  set grant(given: Grant) {
    this.givenGrant = given;
  }

  @About('a gateway, or the simulator')
  @Url('an http or https URL, such as https://api.weixin.qq.com')
  @FromVariable('WECHAT_API_BASE_URL', 'fills')
  readonly apiBaseUrl: string = 'https://api.weixin.qq.com';

  @Section(() => LoginSection)
  override readonly login: LoginSection = new LoginSection();

  /** The file says how tokens are given. */
  get hasGrant(): boolean {
    return this.givenGrant !== undefined;
  }

  override get shownKind(): string {
    return this.type === 'website' ? this.type : this.grant;
  }

  override get shownId(): string {
    return this.appId;
  }

  override conflictWith(earlier: AppSection, path: string): Conflict | undefined {
    if (typeof this.appId !== 'string' || earlier.appId !== this.appId) return undefined;
    if (parseUrl(earlier.apiBaseUrl)?.host !== parseUrl(this.apiBaseUrl)?.host) return undefined;
    if (earlier.type !== this.type) {
      const text = `is not that of ${path}, which has the same appId: an AppID is of one type`;
      return { key: 'type', text };
    }
    if (earlier.grant === this.grant) {
      const text = `is the same as ${path}.appId, with the same host and grant: each fetch of one would kill the other's token; keep one of the two, which several clients can use`;
      return { key: 'appId', text };
    }
    const [one, other] = [this, earlier].map(({ appSecret }) => textOf(appSecret));
    if (!one || !other || one === other) return undefined;
    const text = `is not that of ${path}, which has the same appId: an AppID has one AppSecret`;
    return { key: 'appSecret', text };
  }
}

function checkNoGrantOfWebsite(_grant: unknown, section: object): string | undefined {
  const isGiven = section instanceof WechatSection && section.type === 'website' && section.hasGrant;
  return isGiven ? 'must be left out: an app of type website has no access token' : undefined;
}

/** The text of a secret that was read; it may be awaited, or at fault. */
function textOf(secret: unknown): string | undefined {
  return secret instanceof Secret ? secret.value() : undefined;
}

/** 32 hex digits, as WeChat makes them. */
function appSecretForm(text: string): string | undefined {
  if (/^[0-9a-f]{32}$/i.test(text)) return undefined;
  if (APP_ID.test(text)) {
    return 'must be the AppSecret, and this is an AppID: are appId and appSecret swapped?';
  }
  if (text.startsWith(API_KEY_PREFIX)) {
    return "must be the platform's AppSecret, and this is an API key of this broker";
  }
  const expectation = "must be the AppSecret from the platform's console, 32 hex digits";
  if (isInQuotes(text)) return `${expectation}; the text is in quotes: remove them`;
  return `${expectation}; ${oddCharacter(text, /[0-9a-f]/i) ?? `this has ${text.length}`}`;
}

function checkAppId(value: unknown): string | undefined {
  if (typeof value === 'string' && APP_ID.test(value)) return undefined;
  const fault = problem(
    "the AppID from the platform's console, wx and 16 hex digits in lower case, such as wx0123456789abcdef",
    value,
  );
  if (typeof value !== 'string') return fault;
  if (appSecretForm(value) === undefined)
    return `${fault}, which looks like an AppSecret: are appId and appSecret swapped?`;
  const odd = oddCharacter(value.replace(/^wx/, '00'), /[0-9a-f]/);
  return odd === undefined ? fault : `${fault}; ${odd}`;
}
