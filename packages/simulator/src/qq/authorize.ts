import {
  closedPage,
  consentPage,
  errorPage,
  PageError,
  redirect,
  visitorOf,
} from '../login/authorize-page.js';
import type { HttpCall } from '../read-call.js';
import type { Answer } from '../world.js';
import type { Platform } from './platform.js';
import { QqError } from './qq-error.js';

export const AUTHORIZE_PATH = '/oauth2.0/authorize';

/** The APIs that an app may ask for. */
const SCOPES: readonly string[] = ['get_user_info', 'list_album', 'add_topic', 'do_like', 'get_vip_info'];

/** The page that asks the user. What is wrong with the callback stays here; other errors go back to it. */
export function authorizePage(call: HttpCall, platform: Platform, nowMs: number): Answer {
  try {
    return answered(call, platform, nowMs);
  } catch (error) {
    if (error instanceof QqError) return errorPage(pageError(error));
    if (error instanceof PageError) return errorPage(error);
    throw error;
  }
}

export function pageError({ error, message }: QqError): PageError {
  return new PageError(error, '登录失败', message);
}

function answered(call: HttpCall, platform: Platform, nowMs: number): Answer {
  const { settings } = platform;
  const visitor = visitorOf(call);
  const { parameters, user, answer } = visitor;
  if (parameters.get('response_type') !== 'code') throw new QqError(100000);
  const clientId = parameters.get('client_id') ?? '';
  if (clientId === '') throw new QqError(100001);
  const app = platform.app(clientId);
  if (!app) throw new QqError(100008);
  if (app.offline) throw new QqError(100011);
  const target = parameters.get('redirect_uri') ?? '';
  if (!app.mayRedirectTo(target)) throw new QqError(100010);
  const state = parameters.get('state') ?? '';
  if (state === '') throw new PageError(null, 'state 不能为空', 'state is missing');
  const scope = parameters.get('scope') ?? 'get_user_info';
  const unknown = scope.split(',').find((one) => !SCOPES.includes(one));
  if (unknown !== undefined) {
    const { error, message } = new QqError(100031);
    const names = settings.errorsBack === 'error' ? ['error', 'error_description'] : ['code', 'msg'];
    const [number = '', text = ''] = names;
    return redirect(target, { [number]: String(error), [text]: message, state }, String(error));
  }
  if (answer === undefined) return consentPage('QQ 登录 / QQ login', app.appId, scope, visitor);
  if (answer === 'refuse') {
    return settings.refusal === 'close'
      ? closedPage()
      : redirect(target, { usercancel: '1', state }, 'refused');
  }
  const code = platform.createCode(app, { user }, { scope, redirectUri: target }, nowMs);
  return redirect(target, { code, state }, 'consented');
}
