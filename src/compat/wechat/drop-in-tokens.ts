import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AppName } from '../../core/token.js';
import { EXPIRED_KEY, type ClientAccess } from '../../api/auth/client-access.js';
import type { Scope } from '../../config/client.section.js';
import { Authenticator } from '../../api/auth/authenticator.js';
import { DropIn, type DropInToken } from '../drop-in.js';
import { WechatRefusal } from './wechat-refusal.js';

const PROVIDER = 'wechat';

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

/** The broker in the words of WeChat's token endpoints, with an API key in the place of the AppSecret. */
@Injectable()
export class DropInTokens {
  constructor(
    private readonly dropIn: DropIn,
    private readonly authenticator: Authenticator,
  ) {}

  /** @throws WechatRefusal; BrokerError as `TokenBroker.current` and `report` do */
  async token(asked: DropInTokenRequest, request: FastifyRequest): Promise<DropInToken> {
    if (asked.grantType !== 'client_credential')
      throw new WechatRefusal(40002, 'it must be client_credential.');
    if (asked.appId === '') throw new WechatRefusal(41002, 'send the AppID, once, as appid.');
    const client = this.authenticate(asked.secret, request);
    const app = this.app(asked, client, request);
    this.requireScope(this.dropIn.scopeFor(client), client, request);
    if (asked.forceRefresh && !client.usesVirtualTokens) this.requireScope('token:refresh', client, request);
    return this.dropIn.token(
      { app, client, force: asked.forceRefresh },
      request,
      (why) => new WechatRefusal(45009, why),
    );
  }

  private authenticate(key: string, request: FastifyRequest): ClientAccess {
    const who = this.authenticator.recognize(request, key);
    if (who.kind === 'ok') return who.client;
    if (who.kind === 'expired') throw new WechatRefusal(40125, EXPIRED_KEY);
    if (who.kind === 'missing') throw new WechatRefusal(41004, 'send an API key of the broker as secret.');
    throw new WechatRefusal(
      40125,
      "secret is an API key of the broker here, and this one is not known: its SHA-256 is in no client of the broker's configuration.",
    );
  }

  private app({ appId, grant }: DropInTokenRequest, client: ClientAccess, request: FastifyRequest): AppName {
    const apps = this.dropIn.visibleApps(PROVIDER, appId, client);
    const [first] = apps;
    if (first) return (apps.find((one) => one.grant === grant) ?? first).app;
    request.audited = { action: 'access.refused', app: null, reason: 'unknown_app' };
    throw new WechatRefusal(40013, 'this API key sees no app with that AppID.');
  }

  /** The key is right and the app is there, but this call was not granted: what WeChat says with 48001. */
  private requireScope(scope: Scope, client: ClientAccess, request: FastifyRequest): void {
    if (this.authenticator.hasScope(request, client, scope)) return;
    throw new WechatRefusal(48001, `this needs the scope ${scope}, which client ${client.name} lacks.`);
  }
}
