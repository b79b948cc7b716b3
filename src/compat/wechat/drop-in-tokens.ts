import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { TokenBroker } from '../../core/broker.js';
import type { ReportAnswer } from '../../core/reports/token-report.js';
import type { AppName, HeldToken } from '../../core/token.js';
import { AppsByAppId } from './apps-by-app-id.js';
import { ApiKeys } from '../../api/auth/api-keys.js';
import type { ClientAccess } from '../../api/auth/client-access.js';
import type { Scope } from '../../config/client.section.js';
import { Authenticator } from '../../api/auth/authenticator.js';
import { WechatRefusal } from './wechat-refusal.js';

/** What an SDK sends to either token endpoint; `''` is what it did not send. */
export interface DropInTokenRequest {
  readonly grantType: string;
  readonly appId: string;
  /** The API key. */
  readonly secret: string;
  readonly forceRefresh: boolean;
  /** Preferred of several apps with one AppID. */
  readonly grant: 'classic' | 'stable';
}

export interface DropInToken {
  readonly access_token: string;
  readonly expires_in: number;
}

/** The broker in the words of WeChat's token endpoints, with an API key in the place of the AppSecret. */
@Injectable()
export class DropInTokens {
  constructor(
    private readonly broker: TokenBroker,
    private readonly apiKeys: ApiKeys,
    private readonly authenticator: Authenticator,
    private readonly apps: AppsByAppId,
  ) {}

  /** @throws WechatRefusal; BrokerError as `TokenBroker.current` and `report` do */
  async token(asked: DropInTokenRequest, request: FastifyRequest): Promise<DropInToken> {
    if (asked.grantType !== 'client_credential')
      throw new WechatRefusal(40002, 'it must be client_credential.');
    if (asked.appId === '') throw new WechatRefusal(41002, 'send the AppID, once, as appid.');
    const client = this.authenticate(asked.secret, request);
    const app = this.app(asked, client, request);
    this.requireScope('token:read', client, request);
    if (asked.forceRefresh) this.requireScope('token:refresh', client, request);
    const { held, reason, keptMs } = await this.handOut(app, asked.forceRefresh, client);
    request.audited = {
      action: reason === null ? 'token.read' : 'token.report',
      app,
      reason,
      token: held.record,
    };
    const seconds = Math.floor(Math.min(this.broker.cacheableMs(app, held), keptMs) / 1000);
    const promised = Math.min(seconds, client.maxExpiresInSeconds);
    return { access_token: held.record.value, expires_in: Math.max(1, promised) };
  }

  private authenticate(key: string, request: FastifyRequest): ClientAccess {
    const who = this.apiKeys.recognize(key);
    if (who.kind === 'ok') {
      request.client = who.client;
      return who.client;
    }
    this.authenticator.refused(request, who.kind === 'missing' ? 'missing_key' : 'unknown_key');
    if (who.kind === 'missing') throw new WechatRefusal(41004, 'send an API key of the broker as secret.');
    throw new WechatRefusal(
      40125,
      "secret is an API key of the broker here, and this one is not known: its SHA-256 is in no client of the broker's configuration.",
    );
  }

  private app({ appId, grant }: DropInTokenRequest, client: ClientAccess, request: FastifyRequest): AppName {
    const app = this.apps.find(appId, client, grant);
    if (app !== undefined) return app;
    request.audited = { action: 'access.refused', app: null, reason: 'unknown_app' };
    throw new WechatRefusal(40013, 'this API key sees no app with that AppID.');
  }

  /** The key is right and the app is there, but this call was not granted: what WeChat says with 48001. */
  private requireScope(scope: Scope, client: ClientAccess, request: FastifyRequest): void {
    if (client.may(scope)) return;
    this.authenticator.refused(request, 'missing_scope');
    throw new WechatRefusal(48001, `this needs the scope ${scope}, which client ${client.name} lacks.`);
  }

  /** No SDK says that its token was refused, it just asks again: an ask for a token that was there before is a guess that it died. */
  private async handOut(app: AppName, force: boolean, client: ClientAccess): Promise<HandOut> {
    const report = { caller: client.name, force: false };
    if (force) return handOutOf(await this.broker.report(app, report));
    const held = this.broker.held(app);
    if (!held) return { held: await this.broker.current(app), reason: null, keptMs: Infinity };
    const accessToken = held.record.value;
    const answer = handOutOf(await this.broker.report(app, { ...report, accessToken, isGuess: true }));
    return answer.reason === 'still_valid' ? { ...answer, reason: null } : answer;
  }
}

interface HandOut {
  readonly held: HeldToken;
  /** What came of a report, where the question was one. */
  readonly reason: string | null;
  /** For so long, at most, may the caller keep the token without asking again. */
  readonly keptMs: number;
}

function handOutOf(answer: ReportAnswer): HandOut {
  if (answer.kind === 'answered') {
    return { held: answer.token, reason: answer.reason, keptMs: answer.heardInMs ?? Infinity };
  }
  throw new WechatRefusal(45009, `refresh_budget_exhausted: ${answer.detail}`);
}
