import { API_KEY_PREFIX } from '../../config/api-key.js';
import { GRANTS, type Grant } from '../../config/config.js';
import { Check, OneOf, SecretText } from '../../config/constraints.js';
import { parseUrl } from '../../config/parse-url.js';
import { problem } from '../../config/problem.js';
import { isInQuotes, oddCharacter, type SecretForm } from '../../config/secret-text.js';
import type { Secret } from '../../config/secret.js';
import { AppSection } from '../../config/sections/app.section.js';

/** `wx` and 16 hex digits: the AppIDs of official accounts, mini programs and mini games, and of what third-party platforms and websites register. */
const APP_ID = /^wx[0-9a-f]{16}$/;

/** 32 hex digits, as WeChat makes them. */
const appSecretForm: SecretForm = (text) => {
  if (/^[0-9a-f]{32}$/i.test(text)) return undefined;
  if (APP_ID.test(text))
    return 'must be the AppSecret, and this is an AppID: are appId and appSecret swapped?';
  if (text.startsWith(API_KEY_PREFIX))
    return "must be the platform's AppSecret, and this is an API key of this broker";
  const expectation = "must be the AppSecret from the platform's console, 32 hex digits";
  if (isInQuotes(text)) return `${expectation}; the text is in quotes: remove them`;
  return `${expectation}; ${oddCharacter(text, /[0-9a-f]/i) ?? `this has ${text.length}`}`;
};

/** An official account, mini program or mini game of WeChat. */
export class WechatSection extends AppSection {
  @OneOf(['wechat'])
  provider = 'wechat' as const;

  @OneOf(GRANTS)
  grant: Grant = 'stable';

  @Check(checkAppId, { type: 'string', pattern: APP_ID.source })
  appId!: string;

  @SecretText(appSecretForm)
  appSecret!: Secret;

  @Check(checkBaseUrl, { type: 'string', pattern: '^https?://' })
  apiBaseUrl = 'https://api.weixin.qq.com';
}

function checkAppId(value: unknown): string | undefined {
  if (typeof value === 'string' && APP_ID.test(value)) return undefined;
  const fault = problem(
    "the AppID from the platform's console, wx and 16 hex digits in lower case, such as wx0123456789abcdef",
    value,
  );
  const isSecret = typeof value === 'string' && appSecretForm(value) === undefined;
  return isSecret ? `${fault}, which looks like an AppSecret: are appId and appSecret swapped?` : fault;
}

// Never shown: people put passwords of proxies into URLs.
function checkBaseUrl(value: unknown): string | undefined {
  const url = parseUrl(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return 'must be an http or https URL, such as https://api.weixin.qq.com';
  }
  const extra = url.username + url.password + url.search + url.hash;
  return extra === '' ? undefined : 'must be a URL without user, password, query and fragment';
}
