import { Check, OneOf, SecretText, Section, Text } from '../constraints.js';
import { GRANTS, type Grant } from '../config.js';
import { parseUrl } from '../parse-url.js';
import { problem } from '../problem.js';
import type { Secret } from '../secret.js';
import { APP_ID, appSecretForm } from '../secret-forms.js';
import { NAME, NAME_FORM } from './name.js';
import { RefreshSection } from './refresh.section.js';

export class AppSection {
  @Text(NAME, NAME_FORM)
  name!: string;

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

  @Section(() => RefreshSection)
  refresh = new RefreshSection();
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
