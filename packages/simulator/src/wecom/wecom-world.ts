import type { FaultSpec } from '../fault-spec.js';
import { htmlReply, jsonReply } from '../http-reply.js';
import { Refusal } from '../refusal.js';
import type { HttpCall } from '../read-call.js';
import type { Answer, World } from '../world.js';
import { DATA_OF_FAILURE, ROUTES, TOKEN_PATH } from './endpoints.js';
import { errmsg } from './errmsg.js';
import { Platform } from './platform.js';

const CONTENT_TYPE = 'application/json; charset=UTF-8';

/** The simulated platform at its HTTP interface. */
export class WecomWorld extends Platform implements World {
  /** By the token, else by corp and secret; with a wrong secret, the corp's only app. */
  appIdOf({ query }: HttpCall): string | null {
    const token = this.ledger.find(query.get('access_token') ?? '');
    if (token) return token.appId;
    const agents = this.agentsOf(query.get('corpid') ?? '');
    const agent = agents.find(({ corpSecret }) => corpSecret === query.get('corpsecret'));
    return (agent ?? (agents.length === 1 ? agents[0] : undefined))?.appId ?? null;
  }

  delayMs(call: HttpCall, nowMs: number): number {
    if (this.settings.inHole !== 'late' || call.path !== TOKEN_PATH) return 0;
    return this.agent(this.appIdOf(call) ?? '')?.holeLeftMs(nowMs) ?? 0;
  }

  act(call: HttpCall, nowMs: number): Answer {
    const handler = ROUTES.get(call.path);
    if (!handler) return { reply: htmlReply(404), outcome: 'http_404' };
    try {
      const { body, token } = handler(call, this, nowMs);
      return { reply: jsonReply(body, CONTENT_TYPE, token), outcome: 'ok' };
    } catch (error) {
      if (error instanceof Refusal) return this.refuse(call, nowMs, { errcode: error.errcode });
      throw error;
    }
  }

  /** HTTP 200 in any case; the data of the answer stays beside the errcode where the API is one of those. */
  refuse({ path, callerIp }: HttpCall, nowMs: number, fault: Pick<FaultSpec, 'errcode' | 'errmsg'>): Answer {
    const errcode = Number(fault.errcode ?? -1);
    const body = {
      ...DATA_OF_FAILURE[path],
      errcode,
      errmsg: errmsg(errcode, callerIp, nowMs, fault.errmsg),
    };
    return { reply: jsonReply(body, CONTENT_TYPE), outcome: String(errcode) };
  }
}
