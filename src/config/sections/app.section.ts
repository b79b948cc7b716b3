import { Check, OneOf, SecretText, Section, Text } from '../constraints.js';
import { GRANTS, type Grant } from '../config.js';
import { parseUrl } from '../parse-url.js';
import type { Secret } from '../secret.js';
import { NAME, NAME_FORM } from './name.js';
import { RefreshSection } from './refresh.section.js';

export class AppSection {
  @Text(NAME, NAME_FORM)
  name!: string;

  @OneOf(['wechat'])
  provider = 'wechat' as const;

  @OneOf(GRANTS)
  grant: Grant = 'stable';

  @Text(/^[A-Za-z0-9_-]{1,64}$/, "the AppID from the platform's console, such as wx0123456789abcdef")
  appId!: string;

  @SecretText()
  appSecret!: Secret;

  @Check(checkBaseUrl)
  apiBaseUrl = 'https://api.weixin.qq.com';

  @Section(() => RefreshSection)
  refresh = new RefreshSection();
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
