import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Authenticator } from '../../api/auth/api-key.guard.js';
import { Callers } from '../../api/auth/callers.js';
import type { ApiRoute } from '../../api/common/api-route.js';
import { HttpProblem } from '../../api/common/problem.js';
import { parameterOf } from '../../api/gateway/call-target.js';
import { Gateway, type GatewayCall } from '../../api/gateway/gateway.js';
import { TokenBroker } from '../../core/broker.js';
import type { AppName } from '../../core/token.js';
import { looksVirtual, VirtualTokens } from '../../core/virtual-tokens.js';
import { platformErrorSchema, requiredText } from '../drop-in.js';
import { WechatClients } from './wechat-clients.js';
import { PlatformRefusal, WechatRefusal } from './wechat-refusal.js';

const ANYTHING = { schema: { description: "The platform's own." }, type: '*/*' };

export const PLATFORM_CALL: ApiRoute = {
  access: 'public',
  summary: "A call to the app's platform, for SDKs with one host for everything.",
  description:
    "`access_token` is a virtual token, which clients with `virtualTokens: true` get from the token endpoints. Path, query and body as the platform documents them; the same below `/wxa`, `/datacube`, `/card` and WeChat's other prefixes. What a client may call, its `gateway.allow` lists.",
  path: {
    path: { type: 'string', required: true, description: "The platform's path, of any number of segments." },
  },
  query: { access_token: { ...requiredText, description: 'The virtual token.' } },
  body: ANYTHING,
  answers: {
    200: {
      description:
        'Whatever the platform answers, with its status. Or, as WeChat and WeCom say it, why the call was not passed on: 40001 the client is gone, 40014 no virtual token, 40066 no access_token, 42001 expired, 45001 the body is too large, 48001 (WeCom: 48002) not allowed, 45011 (WeCom: 45009) too many calls, -1 nothing was sent, 50002 the answer was lost.',
      ...ANYTHING,
    },
    400: {
      description: '40066: the path can be read in two ways.',
      schema: platformErrorSchema,
    },
  },
};

/** Where WeCom has another number than WeChat, and its words. */
const AS_WECOM: Readonly<Record<number, readonly [errcode: number, text: string]>> = {
  45011: [45009, 'api freq out of limit'],
  48001: [48002, 'api forbidden'],
};

/** Calls of SDKs that know one host for everything: on the platform's own paths, with a virtual token. */
@Injectable()
export class PlatformPaths {
  constructor(
    private readonly virtualTokens: VirtualTokens,
    private readonly callers: Callers,
    private readonly authenticator: Authenticator,
    private readonly broker: TokenBroker,
    private readonly gateway: Gateway,
    private readonly clients: WechatClients,
  ) {}

  /**
   * Answers with what the platform answers. Nothing of a caller that is not known is read, and nothing is sent for it.
   *
   * @throws WechatRefusal, PlatformRefusal
   */
  async forward(accessToken: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { app, client } = this.holder(accessToken, request);
    try {
      const call = this.gateway.read(app, client, request.raw.url ?? '');
      await this.gateway.forward(call, request, reply);
    } catch (error) {
      throw this.inItsWords(error, app);
    }
  }

  /**
   * Who calls, and for which app; from then on `request.client`.
   *
   * @throws WechatRefusal; HttpProblem `rate_limited`, `too_many_requests`
   */
  holder(accessToken: string, request: FastifyRequest): Pick<GatewayCall, 'app' | 'client'> {
    const opened = this.virtualTokens.open(accessToken);
    if (opened.kind === 'garbage') {
      this.authenticator.refused(request, 'unknown_token');
      throw new WechatRefusal(
        40014,
        'calls through the broker need a virtual token, which it gives to clients with virtualTokens: true. A token of the platform itself is good at the platform only.',
      );
    }
    if (opened.kind === 'expired') throw new WechatRefusal(42001, 'fetch another virtual token.');
    const client = this.callers.named(opened.client);
    const app = client?.usesVirtualTokens ? client.visibleApp(opened.app) : undefined;
    if (!client || app === undefined) {
      this.authenticator.refused(request, 'unknown_token');
      throw new WechatRefusal(40001, 'its client, or the app for this client, was taken from the broker.');
    }
    this.authenticator.attribute(request, client);
    this.clients.requireScope('gateway', client, request);
    return { app, client };
  }

  private inItsWords(error: unknown, app: AppName): unknown {
    const refusal = asWechat(error);
    const [errcode, text] = AS_WECOM[refusal?.errcode ?? 0] ?? [];
    if (!refusal || errcode === undefined || this.broker.status(app).provider !== 'wecom') {
      return refusal ?? error;
    }
    return new PlatformRefusal(errcode, `${text ?? ''}, access-token-broker: ${refusal.why}`);
  }
}

/** Undefined for what nobody foresaw. */
function asWechat(error: unknown): WechatRefusal | undefined {
  if (!(error instanceof HttpProblem)) return WechatRefusal.from(error);
  const why = `${error.code}: ${error.message}`;
  switch (error.code) {
    case 'invalid_request':
      return new WechatRefusal(40066, why, 400);
    case 'path_not_allowed':
    case 'forbidden':
      return new WechatRefusal(48001, why);
    case 'too_many_requests':
    case 'rate_limited':
      return new WechatRefusal(45011, why);
    case 'payload_too_large':
      return new WechatRefusal(45001, why);
    case 'upstream_lost':
    case 'upstream_timeout':
      return new WechatRefusal(50002, why);
    default:
      // Nothing was sent: the call can be made again.
      return new WechatRefusal(-1, why);
  }
}

/** A URL that cannot be decoded reaches no route. True where it was a virtual token's, and is answered. */
export function answerBadUrl({ raw: { url = '' } }: FastifyRequest, reply: FastifyReply): boolean {
  if (!looksVirtual(accessTokenIn(url) ?? '')) return false;
  const { errcode, message } = new WechatRefusal(40066, 'invalid_request: the URL cannot be decoded.', 400);
  void reply.code(400).send({ errcode, errmsg: message });
  return true;
}

/** As it stands in the query; undefined where there is none. */
export function accessTokenIn(url: string): string | undefined {
  const queryAt = url.indexOf('?');
  return queryAt < 0 ? undefined : parameterOf(url.slice(queryAt + 1), 'access_token');
}
