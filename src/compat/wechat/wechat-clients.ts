import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Authenticator } from '../../api/auth/api-key.guard.js';
import { EXPIRED_KEY, type ClientAccess } from '../../api/auth/client-access.js';
import type { Scope } from '../../config/client.section.js';
import { DropIn, unknownKey, type KnownApp } from '../drop-in.js';
import { WechatRefusal } from './wechat-refusal.js';

const PROVIDER = 'wechat';

/** Who calls with an API key in the place of the AppSecret, and what this client may do. Refusals are in WeChat's words. */
@Injectable()
export class WechatClients {
  constructor(
    private readonly dropIn: DropIn,
    private readonly authenticator: Authenticator,
  ) {}

  /** @throws WechatRefusal */
  ofKey(key: string, request: FastifyRequest): ClientAccess {
    const who = this.authenticator.recognize(request, key);
    if (who.kind === 'ok') return who.client;
    if (who.kind === 'expired') throw new WechatRefusal(40125, EXPIRED_KEY);
    if (who.kind === 'missing') throw new WechatRefusal(41004, 'send an API key of the broker as secret.');
    throw new WechatRefusal(40125, unknownKey('secret'));
  }

  /**
   * One AppID may have several apps: those that the client sees.
   *
   * @throws WechatRefusal
   */
  apps(appId: string, client: ClientAccess, request: FastifyRequest): readonly [KnownApp, ...KnownApp[]] {
    const [first, ...others] = this.dropIn.visibleApps(PROVIDER, appId, client);
    if (first) return [first, ...others];
    request.audited = { action: 'access.refused', app: null, reason: 'unknown_app' };
    throw new WechatRefusal(40013, 'this API key sees no app with that AppID.');
  }

  /**
   * The key is right and the app is there, but this call was not granted: what WeChat says with 48001.
   *
   * @throws WechatRefusal
   */
  requireScope(scope: Scope, client: ClientAccess, request: FastifyRequest): void {
    if (this.authenticator.hasScope(request, client, scope)) return;
    throw new WechatRefusal(48001, `this needs the scope ${scope}, which client ${client.name} lacks.`);
  }
}
