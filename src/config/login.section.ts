import { problem } from './faults.js';
import { About, Check, checkEntries, Optional, Url } from './keys.js';
import { isTrialHost, parseUrl } from './values.js';

const MAX_REDIRECT_URI_CHARACTERS = 2000;

/** How users log in to an app. */
export class LoginSection {
  @About(
    'where a login may end: whole addresses, compared character by character; https, except on loopback. Without any, nobody begins a login in a browser here',
    'none',
  )
  @Check(checkRedirectUris, { type: 'array', items: { type: 'string', pattern: '^https?://[^#\\s\\\\]+$' } })
  readonly redirectUris: readonly string[] = [];

  @About(
    "the broker's own address as browsers see it. With it the platform sends users to `<callbackBaseUrl>/login/callback/<app>`, and the broker sends them on with a ticket: for apps with more services than callback domains",
  )
  @Optional()
  @Url('the https URL at which browsers reach this broker, such as https://login.example', {
    protocols: /^https:$/,
  })
  readonly callbackBaseUrl?: string;

  @About("the host of the platform's authorize page, for the simulator", "the platform's own")
  @Optional()
  @Url('an http or https URL, such as https://open.weixin.qq.com')
  readonly authorizeBaseUrl?: string;
}

function checkRedirectUris(value: unknown): string | readonly string[] | undefined {
  if (!Array.isArray(value)) return problem('a list of addresses', value);
  return checkEntries(value, redirectUriFault);
}

/** Never shown: it may hold a key. What a URL parser would write in another way never equals what a caller sends. */
function redirectUriFault(value: unknown): string | undefined {
  const expectation = 'must be a whole address such as https://shop.example/login/back';
  const url = parseUrl(value);
  if (url === null || typeof value !== 'string' || value.length > MAX_REDIRECT_URI_CHARACTERS)
    return expectation;
  if (url.protocol !== 'https:' && !isLoopback(url)) return `${expectation}; http is for loopback only`;
  if (url.username + url.password !== '') return `${expectation}, without user and password`;
  if (url.hostname.includes('*')) return `${expectation}; there are no wildcards: list each address`;
  if (value.includes('#')) return `${expectation}, without a fragment: the code is put behind it otherwise`;
  if (url.searchParams.has('code') || url.searchParams.has('state')) {
    return `${expectation}, without parameters named code or state: the platform adds them`;
  }
  if (url.href === value || url.href === `${value}/`) return undefined;
  return `${expectation}; a browser would write it in another way: check upper case, port, dots, spaces and characters that need percent encoding`;
}

function isLoopback(url: URL): boolean {
  return url.protocol === 'http:' && isTrialHost(`https://${url.host}`);
}
