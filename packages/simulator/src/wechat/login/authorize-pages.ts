import {
  closedPage,
  consentPage,
  errorPage,
  PageError,
  redirect,
  visitorOf,
  type Visitor,
} from '../../login/authorize-page.js';
import type { HttpCall } from '../../read-call.js';
import type { Answer } from '../../world.js';
import { consequencesOf } from '../account-state.js';
import type { Account } from '../account.js';
import type { Platform } from '../platform.js';
import { createCode } from './consent.js';

/** What may follow the documented parameters. */
const EXTRAS: readonly string[] = ['forcePopup', 'forceSnapShot', 'component_appid', 'connect_redirect'];
const ORDER: readonly string[] = ['appid', 'redirect_uri', 'response_type', 'scope', 'state'];

const WISHES: Readonly<Record<string, string>> = {
  snsapi_base: '你的 openid / your openid',
  snsapi_userinfo: '你的昵称和头像 / your nickname and picture',
  snsapi_login: '你的昵称和头像 / your nickname and picture',
};

const MAX_STATE_BYTES = 128;
/** The platform damages other characters. */
const STATE = /^[a-zA-Z0-9]*$/;

type PageHandler = (visitor: Visitor, platform: Platform, nowMs: number) => Answer;

/** The page in WeChat, for official accounts. Silent for snsapi_base. */
const webPage: PageHandler = (visitor, platform, nowMs) => {
  const { parameters } = visitor;
  for (const [name, code] of [
    ['appid', 10012],
    ['redirect_uri', 10011],
    ['scope', 10010],
  ] as const) {
    if ((parameters.get(name) ?? '') === '')
      throw new PageError(code, `${name} 不能为空`, `${name} is empty`);
  }
  if (parameters.get('state') === '') throw new PageError(10013, 'state 不能为空', 'state is empty');
  if (platform.settings.login.parameterOrder === 'strict') checkOrder([...parameters.keys()]);
  const account = platform.account(parameters.get('appid') ?? '');
  if (!account) throw new PageError(1, 'appid 参数错误', 'There is no such appid');
  const scope = parameters.get('scope') ?? '';
  const hasScope = account.type === 'official_account' && ['snsapi_base', 'snsapi_userinfo'].includes(scope);
  if (!hasScope) throw new PageError(10005, '该公众号没有这些 scope 的权限', 'The account lacks the scope');
  if (consequencesOf(account.state).atBusinessCalls) {
    throw new PageError(10004, '该公众号被封禁', 'The account is banned');
  }
  const target = checkTarget(account, parameters, 10003);
  checkRest(parameters);
  const answer = visitor.answer ?? (scope === 'snsapi_base' ? 'consent' : undefined);
  return answered('微信登录 / WeChat login', account, target, { ...visitor, answer }, platform, nowMs);
};

/** The page with the QR code, for websites. The order of its parameters is of no matter. */
const qrPage: PageHandler = (visitor, platform, nowMs) => {
  const { parameters } = visitor;
  const account = platform.account(parameters.get('appid') ?? '');
  if (account?.type !== 'website') {
    throw new PageError(
      null,
      'Scope 参数错误或没有 Scope 权限',
      'The scope is wrong, or the app is no website',
    );
  }
  if (parameters.get('scope') !== 'snsapi_login') {
    throw new PageError(null, '该链接无法访问', 'The scope must be snsapi_login');
  }
  const target = checkTarget(account, parameters, null);
  checkRest(parameters);
  return answered('微信扫码登录 / WeChat login by QR code', account, target, visitor, platform, nowMs);
};

const PAGES: ReadonlyMap<string, PageHandler> = new Map([
  ['/connect/oauth2/authorize', webPage],
  ['/connect/qrconnect', qrPage],
]);

export function isPage(path: string): boolean {
  return PAGES.has(path);
}

/** Undefined for a path without a page. */
export function authorizePage(call: HttpCall, platform: Platform, nowMs: number): Answer | undefined {
  try {
    return PAGES.get(call.path)?.(visitorOf(call), platform, nowMs);
  } catch (error) {
    if (error instanceof PageError) return errorPage(error);
    throw error;
  }
}

function answered(
  title: string,
  account: Account,
  target: string,
  visitor: Visitor,
  platform: Platform,
  nowMs: number,
): Answer {
  const { user, answer, parameters } = visitor;
  const scope = parameters.get('scope') ?? '';
  const state = parameters.get('state');
  if (answer === undefined) return consentPage(title, account.appId, WISHES[scope] ?? scope, visitor);
  if (answer === 'refuse') {
    return platform.settings.login.refusal === 'close'
      ? closedPage()
      : redirect(target, { state }, 'refused');
  }
  const snapshot = visitor.snapshot || parameters.get('forceSnapShot') === 'true';
  const { code } = createCode(platform, account, { user: { user }, scope, snapshot }, nowMs);
  return redirect(target, { code, state }, 'consented');
}

/** Every parameter at its place, and once. */
function checkOrder(names: readonly string[]): void {
  const expected = names.includes('state') ? ORDER : ORDER.slice(0, -1);
  const extras = names.slice(expected.length);
  const isRight =
    expected.every((name, index) => names[index] === name) &&
    extras.every((name, index) => EXTRAS.includes(name) && extras.indexOf(name) === index);
  if (!isRight) {
    const order = [...ORDER, ...EXTRAS].join(', ');
    throw new PageError(null, '该链接无法访问', `The parameters must come in this order: ${order}`);
  }
}

/** The redirect_uri, whose host must be one of the account's domains. @param code of the error page */
function checkTarget({ callbackDomains }: Account, parameters: URLSearchParams, code: number | null): string {
  const target = parameters.get('redirect_uri') ?? '';
  const url = URL.canParse(target) ? new URL(target) : undefined;
  const isWeb = url !== undefined && ['http:', 'https:'].includes(url.protocol);
  if (!isWeb || callbackDomains?.some((domain) => covers(domain, url)) === false) {
    const chinese = code === null ? '该链接无法访问' : 'redirect_uri 域名与后台配置不一致';
    throw new PageError(code, chinese, 'The host of redirect_uri is none of the callback domains of the app');
  }
  return target;
}

/** A domain is a host, or a host and the beginning of a path. */
function covers(domain: string, { hostname, pathname }: URL): boolean {
  const [host, ...path] = domain.split('/');
  const prefix = `/${path.join('/')}`;
  return hostname === host && (prefix === '/' || pathname === prefix || pathname.startsWith(`${prefix}/`));
}

function checkRest(parameters: URLSearchParams): void {
  if (parameters.get('response_type') !== 'code') {
    throw new PageError(null, 'response_type 参数错误', 'response_type must be code');
  }
  const state = parameters.get('state') ?? '';
  if (Buffer.byteLength(state) > MAX_STATE_BYTES) {
    throw new PageError(null, 'state 参数过长', `state is longer than ${String(MAX_STATE_BYTES)} bytes`);
  }
  if (!STATE.test(state)) throw new PageError(null, 'state 参数错误', 'state takes letters and digits only');
}
