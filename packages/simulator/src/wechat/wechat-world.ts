import type { FaultSpec } from '../fault-spec.js';
import { htmlReply, jsonReply } from '../http-reply.js';
import { isObject, parsed } from '../input-checks.js';
import type { HttpCall } from '../read-call.js';
import { Refusal } from '../refusal.js';
import type { Answer, World } from '../world.js';
import { errmsg } from './errmsg.js';
import { errorPage, PageError } from '../login/authorize-page.js';
import { authorizePage, isPage } from './login/authorize-pages.js';
import { EXCHANGE_PATHS } from './login/exchange-endpoints.js';
import { PHONE_NUMBER_PATH } from './login/mini-program-endpoints.js';
import { Platform } from './platform.js';
import { routeOf } from './routes.js';
import { text } from './wechat-call.js';

/** The simulated platform at its HTTP interface. */
export class WechatWorld extends Platform implements World {
  hasApp(appId: string): boolean {
    return this.account(appId) !== undefined;
  }

  /** By the query, its token or the body. */
  appIdOf({ query, body }: HttpCall): string | null {
    const posted = parsed(body);
    const token = query.get('access_token') ?? '';
    const appId =
      query.get('appid') ??
      this.ledger.find(token)?.appId ??
      this.logins.userTokens.find(token)?.appId ??
      (isObject(posted) ? text(posted.appid) : '');
    return this.account(appId)?.appId ?? null;
  }

  arrived({ path, query, body }: HttpCall): void {
    const parameter = EXCHANGE_PATHS[path];
    const code = parameter === undefined ? null : query.get(parameter);
    if (code) this.logins.codes.arrived(code);
    const posted = path === PHONE_NUMBER_PATH ? parsed(body) : undefined;
    if (isObject(posted) && text(posted.code) !== '') this.logins.phoneCodes.arrived(text(posted.code));
  }

  act(call: HttpCall, nowMs: number): Answer {
    const page = authorizePage(call, this, nowMs);
    if (page) return page;
    // WeChat takes no body without its length.
    if (call.headers['transfer-encoding'] !== undefined)
      return { reply: htmlReply(412), outcome: 'http_412' };
    const handler = routeOf(call.path);
    if (!handler) {
      if (this.settings.unknownPath === 'errcode') return this.refuse(call, nowMs, { errcode: 40066 });
      return { reply: htmlReply(404), outcome: 'http_404' };
    }
    try {
      const { body, token, file } = handler(call, this, nowMs);
      if (file) return { reply: { status: 200, text: '', ...file }, outcome: 'ok' };
      return { reply: jsonReply(body, contentTypeOf(call.path), token), outcome: 'ok' };
    } catch (error) {
      if (error instanceof Refusal) return this.refuse(call, nowMs, { errcode: error.errcode });
      throw error;
    }
  }

  refuse(call: HttpCall, nowMs: number, fault: Pick<FaultSpec, 'errcode' | 'errmsg'>): Answer {
    const errcode = Number(fault.errcode ?? -1);
    if (isPage(call.path)) return errorPage(new PageError(errcode, '系统错误', fault.errmsg ?? 'Simulated'));
    const body = { errcode, errmsg: errmsg(errcode, call, nowMs, fault.errmsg) };
    return { reply: jsonReply(body, contentTypeOf(call.path)), outcome: String(errcode) };
  }
}

/** The odd parameter name is the platform's own. */
function contentTypeOf(path: string): string {
  return path.startsWith('/sns/') ? 'text/plain' : 'application/json; encoding=utf-8';
}
