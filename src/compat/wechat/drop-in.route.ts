import { Injectable, Logger, type OnModuleInit, Module } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parse as parseForm } from 'node:querystring';
import { isObject } from '../../core/json-object.js';
import { DropIn, INTERNAL_ERROR, sendAsIs } from '../drop-in.js';
import { CLASSIC_TOKEN, CLASSIC_TOKEN_POSTED, STABLE_TOKEN, TICKET, TICKET_POSTED } from './drop-in.api.js';
import { DropInLogins } from './drop-in-logins.js';
import { LOGIN_CONTENT_TYPE, openLogins } from './drop-in-login.routes.js';
import { DropInTokens, DropInTickets } from './drop-in-tokens.js';
import { parseJson } from '../../api/common/json-body.pipe.js';
import { GatewayModule } from '../../api/gateway/gateway.module.js';
import { CALL_METHODS, leaveBodies } from '../../api/gateway/gateway.route.js';
import { routeOf, HttpObserver } from '../../api/common/request.js';
import { accessTokenIn, PLATFORM_CALL, PlatformPaths } from './platform-paths.js';
import { WechatClients } from './wechat-clients.js';
import { PlatformRefusal, WechatRefusal } from './wechat-refusal.js';

/** The odd parameter name is WeChat's own. */
const CONTENT_TYPE = 'application/json; encoding=utf-8';
const LOGIN_PREFIX = 'sns';

/**
 * The first parts of the paths of WeChat's API. An SDK whose host is the broker may ask for any of them, and reads
 * nothing but errcode and errmsg: out of another answer some make an exception that quotes the URL, with the API key.
 */
const PREFIXES = [
  'cgi-bin',
  'sns',
  'wxa',
  'wxaapi',
  'wxaapp',
  'wxopen',
  'datacube',
  'card',
  'customservice',
  'shakearound',
  'semantic',
  'merchant',
  'product',
  'shop',
  'channels',
  'bizwifi',
  'device',
  'hardware',
  'scan',
  'intp',
  'cv',
  'tcb',
  'union',
  'express',
  'publisher',
  'redpacketcover',
  'marketing',
];

const ROUTES = ['/cgi-bin/token', '/cgi-bin/stable_token', '/cgi-bin/ticket/getticket'];
/** What elsewhere is a 5xx: try again soon, or later. */
const BROKERS_ERRCODES = [-1, 45011];

/** What a refusal is elsewhere, for the audit trail: here all answers are a 200. */
const RECORDED_AS: Readonly<Record<number, number>> = {
  40001: 401,
  40003: 401,
  40013: 404,
  40014: 401,
  40125: 401,
  41004: 401,
  48001: 403,
  40029: 422,
  40030: 409,
  40163: 409,
  42001: 401,
  42003: 410,
  45001: 413,
  50002: 502,
};

type Answer = (request: FastifyRequest) => Promise<object>;
/** The parameters of a request, as they came. */
type Given = Readonly<Record<string, unknown>>;

/**
 * Stands in for WeChat's own endpoints, so that SDKs need only another host: always HTTP 200, errors as errcode and errmsg.
 * It answers the token endpoints, passes calls with a virtual token on, and refuses all else on paths of WeChat.
 * Plain Fastify routes in a scope of their own, because nothing here is as on the other routes: no Authorization header,
 * no problem+json, and bodies of any content type.
 */
@Injectable()
class DropInRoute implements OnModuleInit {
  private readonly logger = new Logger(DropInRoute.name);

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly tokens: DropInTokens,
    private readonly tickets: DropInTickets,
    private readonly logins: DropInLogins,
    private readonly calls: PlatformPaths,
    private readonly observer: HttpObserver,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    for (const prefix of PREFIXES) {
      void fastify.register(
        (scope: FastifyInstance, _options, done) => {
          this.answerAsWechat(scope);
          if (prefix === 'cgi-bin') this.open(scope);
          if (prefix === LOGIN_PREFIX) openLogins(scope, this.logins);
          else this.openCalls(scope, prefix);
          done();
        },
        { prefix: `/${prefix}` },
      );
    }
  }

  private answerAsWechat(scope: FastifyInstance): void {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, parsed) => {
      parsed(null, body);
    });
    scope.setErrorHandler((error, request, reply) => {
      this.refuse(error, request, reply);
    });
    const refuse = (request: FastifyRequest, reply: FastifyReply): void => {
      this.refuse(wrongMethodOrPath(scope, request), request, reply);
    };
    scope.setNotFoundHandler(refuse);
    // Before the body is read, which may be an upload that is larger than a body may be here.
    scope.addHook('onRequest', (request, reply, done) => {
      if (request.is404) refuse(request, reply);
      else done();
    });
  }

  private open(scope: FastifyInstance): void {
    const answer =
      (answerTo: Answer) =>
      async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
        sendAsIs(reply, CONTENT_TYPE, await answerTo(request));
        return reply;
      };
    for (const route of ROUTES) this.observer.dropInMayRefuse(route, BROKERS_ERRCODES);
    const classicToken = answer((request) => this.token(parametersOf(request), 'classic', request));
    scope.get('/token', { config: { api: CLASSIC_TOKEN } }, classicToken);
    scope.post('/token', { config: { api: CLASSIC_TOKEN_POSTED } }, classicToken);
    const stableToken = answer((request) => this.token(postedObject(request.body), 'stable', request));
    scope.post('/stable_token', { config: { api: STABLE_TOKEN } }, stableToken);
    const ticket = answer((request) => {
      const { access_token: accessToken, type } = parametersOf(request);
      return this.tickets.ticket(text(accessToken), text(type), request);
    });
    scope.get('/ticket/getticket', { config: { api: TICKET } }, ticket);
    scope.post('/ticket/getticket', { config: { api: TICKET_POSTED } }, ticket);
  }

  /** All paths of the scope that are not the broker's own. */
  private openCalls(scope: FastifyInstance, prefix: string): void {
    void scope.register((calls, _options, done) => {
      leaveBodies(calls);
      calls.route({
        method: CALL_METHODS,
        url: '/*',
        // Described once, not for each prefix.
        config: prefix === 'cgi-bin' ? { api: PLATFORM_CALL } : {},
        handler: async (request, reply) => {
          const accessToken = accessTokenIn(request.raw.url ?? '');
          const own = ownPathRefusal(scope, request);
          if (own || accessToken === undefined) throw own ?? new WechatRefusal(40066, NOT_OURS);
          await this.calls.forward(accessToken, request, reply);
          return reply;
        },
      });
      done();
    });
  }

  private token(given: Given, grant: 'classic' | 'stable', request: FastifyRequest): Promise<object> {
    const asked = {
      grantType: text(given.grant_type),
      appId: text(given.appid),
      secret: text(given.secret),
      forceRefresh: grant === 'stable' && given.force_refresh === true,
      grant,
    };
    return this.tokens.token(asked, request);
  }

  private refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const refusal = this.refusal(error, request);
    const { errcode, message } = refusal;
    this.observer.dropInRefused(routeOf(request), errcode);
    const status = RECORDED_AS[errcode];
    if (request.audited) {
      if (status !== undefined) request.audited.status = status;
      request.audited.reason ??= String(errcode);
    }
    const isLogin = request.url.startsWith(`/${LOGIN_PREFIX}/`);
    const httpStatus = refusal instanceof WechatRefusal ? refusal.status : 200;
    const contentType = isLogin ? LOGIN_CONTENT_TYPE : CONTENT_TYPE;
    sendAsIs(reply, contentType, { errcode, errmsg: message }, httpStatus);
  }

  private refusal(error: unknown, request: FastifyRequest): WechatRefusal | PlatformRefusal {
    if (error instanceof WechatRefusal || error instanceof PlatformRefusal) return error;
    const known = WechatRefusal.from(error);
    if (known) return known;
    const isUnreadable = error instanceof Error && 'statusCode' in error;
    if (isUnreadable) return new WechatRefusal(47001, 'the request cannot be read.');
    this.logger.error(`Request ${request.id} failed: ${request.method} ${routeOf(request)}`, error);
    return new WechatRefusal(-1, INTERNAL_ERROR);
  }
}

const NOT_OURS =
  'the broker answers token endpoints, which are /cgi-bin/token, /cgi-bin/stable_token and /cgi-bin/ticket/getticket, those of logins below /sns, and calls with the virtual token of a client with virtualTokens: true as access_token. Send other calls to WeChat itself: with the access token, never with an API key.';

function wrongMethodOrPath(scope: FastifyInstance, request: FastifyRequest): WechatRefusal {
  return ownPathRefusal(scope, request) ?? new WechatRefusal(40066, NOT_OURS);
}

/** For a path of the broker's own that does not have this method. */
function ownPathRefusal(scope: FastifyInstance, { url }: FastifyRequest): WechatRefusal | undefined {
  const [path = ''] = url.split('?');
  const takes = (method: string) => scope.hasRoute({ method, url: path });
  if (takes('GET')) return new WechatRefusal(43001, 'use GET or POST.');
  if (takes('POST')) return new WechatRefusal(43002, 'use POST.');
  return undefined;
}

function postedObject(body: unknown): Given {
  if (typeof body !== 'string' || body.trim() === '') throw new WechatRefusal(44002, 'post a JSON object.');
  const parsed = parseJson(body);
  const value = 'value' in parsed ? parsed.value : undefined;
  if (isObject(value)) return value;
  throw new WechatRefusal(47001, 'post one JSON object, no deeper than 20 and with no key twice.');
}

/** In the URL, or posted as a form or as JSON: WeChat takes all three. */
function parametersOf({ query, body }: FastifyRequest): Given {
  const posted = typeof body === 'string' ? body.trim() : '';
  const fields = posted.startsWith('{') ? postedObject(posted) : parseForm(posted);
  return { ...fields, ...(query as object) };
}

/** What is not one string counts as missing. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

@Module({
  imports: [GatewayModule],
  providers: [DropIn, WechatClients, PlatformPaths, DropInTickets, DropInTokens, DropInLogins, DropInRoute],
})
export class WechatCompatModule {}
