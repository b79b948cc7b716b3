import { Injectable, Logger, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Authenticator } from '../../api/auth/api-key.guard.js';
import { EXPIRED_KEY, type ClientAccess } from '../../api/auth/client-access.js';
import { routeOf, HttpObserver } from '../../api/common/request.js';
import type { AppName } from '../../core/token.js';
import type { ApiRoute } from '../../api/common/api-route.js';
import { integer, object, oneOf, text, type FromSchema } from '../../api/common/schema.js';
import {
  DropIn,
  errcodeZero,
  INTERNAL_ERROR,
  platformErrorSchema,
  refusalOf,
  requiredText,
  sendAsIs,
  unknownKey,
} from '../drop-in.js';

const PROVIDER = 'wecom';
const ROUTE = '/cgi-bin/gettoken';
const CONTENT_TYPE = 'application/json; charset=UTF-8';
/** What elsewhere is a 5xx: try again soon, or later. */
const BROKERS_ERRCODES = [-1, 45009];

/** WeCom's own words, which some SDKs look at, and the status that the audit stream has for each. */
const REFUSALS = {
  [-1]: { text: 'system error', status: 503 },
  40001: { text: 'invalid credential', status: 401 },
  40013: { text: 'invalid corpid', status: 404 },
  41002: { text: 'corpid missing', status: 400 },
  41004: { text: 'corpsecret missing', status: 401 },
  45009: { text: 'api freq out of limit', status: 429 },
  48002: { text: 'api forbidden', status: 403 },
} as const;

class WecomRefusal extends Error {
  override readonly name = 'WecomRefusal';

  /** @param why what the broker has to say to the person who reads it; holds no secret and nothing of the caller's own text */
  constructor(
    readonly errcode: keyof typeof REFUSALS,
    why: string,
  ) {
    super(`${REFUSALS[errcode].text}, access-token-broker: ${why}`);
  }
}

const answerSchema = {
  title: 'WecomToken',
  ...object({
    errcode: errcodeZero,
    errmsg: oneOf('ok'),
    access_token: text,
    expires_in: { ...integer, minimum: 1, description: 'Seconds for which it may be kept.' },
  }),
};

type GettokenAnswer = FromSchema<typeof answerSchema>;

const GETTOKEN: ApiRoute = {
  access: 'public',
  summary: 'The current token, for SDKs of WeCom',
  description:
    'Scope `token:read`. `corpid` is the corpid of an app with `provider: wecom`, and the key must see one agent of it only. `expires_in` is the time for which the token may be kept.',
  query: { corpid: requiredText, corpsecret: { ...requiredText, description: 'The API key.' } },
  answers: {
    200: {
      description:
        'As WeCom answers, errors included, which have errcode and errmsg: 40001 wrong API key, 40013 unknown or forbidden corpid, 41002 no corpid, 41004 no corpsecret, 48002 the key lacks the scope; no token: -1 or, for more than a minute, 45009.',
      schema: { oneOf: [answerSchema, platformErrorSchema] },
      example: { errcode: 0, errmsg: 'ok', access_token: '83_dE5x0yb2…', expires_in: 6543 },
    },
  },
};

/**
 * `GET /cgi-bin/gettoken` as WeCom has it, with an API key in the place of the Secret, so that SDKs of WeCom need only
 * another host. Always HTTP 200, errors as errcode and errmsg.
 */
@Injectable()
class GettokenRoute implements OnModuleInit {
  private readonly logger = new Logger(GettokenRoute.name);

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly dropIn: DropIn,
    private readonly authenticator: Authenticator,
    private readonly observer: HttpObserver,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    void fastify.register((scope: FastifyInstance, _options, done) => {
      scope.setErrorHandler((error, request, reply) => {
        this.refuse(error, request, reply);
      });
      this.observer.dropInMayRefuse(ROUTE, BROKERS_ERRCODES);
      scope.get(ROUTE, { config: { api: GETTOKEN } }, async (request, reply) => {
        sendAsIs(reply, CONTENT_TYPE, await this.token(request));
        return reply;
      });
      done();
    });
  }

  private async token(request: FastifyRequest): Promise<GettokenAnswer> {
    const { corpid, corpsecret } = request.query as Readonly<Record<string, unknown>>;
    if (typeof corpid !== 'string' || corpid === '') {
      throw new WecomRefusal(41002, 'send the CorpID, once, as corpid.');
    }
    const client = this.authenticate(typeof corpsecret === 'string' ? corpsecret : '', request);
    const app = this.app(corpid, client, request);
    const scope = this.dropIn.scopeFor(client);
    if (!this.authenticator.hasScope(request, client, scope)) {
      throw new WecomRefusal(48002, `this needs the scope ${scope}, which client ${client.name} lacks.`);
    }
    const token = await this.dropIn.token({ app, client }, request, (why) => new WecomRefusal(45009, why));
    return { errcode: 0, errmsg: 'ok', ...token };
  }

  private authenticate(key: string, request: FastifyRequest): ClientAccess {
    const who = this.authenticator.recognize(request, key);
    if (who.kind === 'ok') return who.client;
    if (who.kind === 'expired') throw new WecomRefusal(40001, EXPIRED_KEY);
    if (who.kind === 'missing') throw new WecomRefusal(41004, 'send an API key of the broker as corpsecret.');
    throw new WecomRefusal(40001, unknownKey('corpsecret'));
  }

  /** A CorpID names no single app: which of a corp's apps is meant, the key says, by seeing one of them only. */
  private app(corpId: string, client: ClientAccess, request: FastifyRequest): AppName {
    const [one, ...others] = this.dropIn.visibleApps(PROVIDER, corpId, client);
    if (one && others.length === 0) return one.app;
    request.audited = { action: 'access.refused', app: null, reason: 'unknown_app' };
    if (!one) throw new WecomRefusal(40013, 'this API key sees no app with that CorpID.');
    throw new WecomRefusal(
      40013,
      'this API key sees several apps with that CorpID: give each SDK a key of its own, whose clients[].apps names one of them.',
    );
  }

  private refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { errcode, message } = this.refusal(error, request);
    this.observer.dropInRefused(routeOf(request), errcode);
    if (request.audited) request.audited.status = REFUSALS[errcode].status;
    sendAsIs(reply, CONTENT_TYPE, { errcode, errmsg: message });
  }

  private refusal(error: unknown, request: FastifyRequest): WecomRefusal {
    if (error instanceof WecomRefusal) return error;
    const known = refusalOf(error, 45009);
    if (known) return new WecomRefusal(...known);
    this.logger.error(`Request ${request.id} failed: ${request.method} ${routeOf(request)}`, error);
    return new WecomRefusal(-1, INTERNAL_ERROR);
  }
}

/** The drop-in endpoint of WeCom. */
@Module({ providers: [DropIn, GettokenRoute] })
export class WecomCompatModule {}
