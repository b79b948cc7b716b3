import type { FaultSpec } from '../fault-spec.js';
import { htmlReply } from '../http-reply.js';
import type { HttpCall } from '../read-call.js';
import { errorPage } from '../login/authorize-page.js';
import type { Answer, World } from '../world.js';
import { AUTHORIZE_PATH, authorizePage, pageError } from './authorize.js';
import { answerTo, errorReply, parametersOf, TOKEN_PATH } from './endpoints.js';
import { Platform } from './platform.js';
import { QqError, textOf } from './qq-error.js';

/** The simulated platform at its HTTP interface. */
export class QqWorld extends Platform implements World {
  appIdOf(call: HttpCall): string | null {
    const parameters = parametersOf(call);
    const id =
      parameters.get('client_id') ??
      parameters.get('oauth_consumer_key') ??
      this.ledger.find(parameters.get('access_token') ?? '')?.appId;
    return this.app(id ?? '')?.appId ?? null;
  }

  arrived(call: HttpCall): void {
    const code = call.path === TOKEN_PATH ? parametersOf(call).get('code') : null;
    if (code) this.codes.arrived(code);
  }

  act(call: HttpCall, nowMs: number): Answer {
    if (call.path === AUTHORIZE_PATH) return authorizePage(call, this, nowMs);
    try {
      const reply = answerTo(call, this, nowMs);
      return reply ? { reply, outcome: 'ok' } : { reply: htmlReply(404), outcome: 'http_404' };
    } catch (error) {
      if (error instanceof QqError) return this.refuse(call, nowMs, { errcode: error.error });
      throw error;
    }
  }

  refuse(call: HttpCall, _nowMs: number, { errcode, errmsg }: Pick<FaultSpec, 'errcode' | 'errmsg'>): Answer {
    const error = Number(errcode ?? -1);
    if (call.path === AUTHORIZE_PATH) return errorPage(pageError(new QqError(error)));
    return { reply: errorReply(call, error, errmsg ?? textOf(error)), outcome: String(error) };
  }
}
