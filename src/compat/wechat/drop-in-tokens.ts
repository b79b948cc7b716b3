import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DropIn, type DropInToken } from '../drop-in.js';
import { WechatClients } from './wechat-clients.js';
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

/** The broker in the words of WeChat's token endpoints, with an API key in the place of the AppSecret. */
@Injectable()
export class DropInTokens {
  constructor(
    private readonly dropIn: DropIn,
    private readonly clients: WechatClients,
  ) {}

  /** @throws WechatRefusal; BrokerError as `TokenBroker.current` and `report` do */
  async token(asked: DropInTokenRequest, request: FastifyRequest): Promise<DropInToken> {
    if (asked.grantType !== 'client_credential')
      throw new WechatRefusal(40002, 'it must be client_credential.');
    if (asked.appId === '') throw new WechatRefusal(41002, 'send the AppID, once, as appid.');
    const client = this.clients.ofKey(asked.secret, request);
    const apps = this.clients.apps(asked.appId, client, request);
    const { app } = apps.find((one) => one.grant === asked.grant) ?? apps[0];
    this.clients.requireScope(this.dropIn.scopeFor(client), client, request);
    if (asked.forceRefresh && !client.usesVirtualTokens) {
      this.clients.requireScope('token:refresh', client, request);
    }
    return this.dropIn.token(
      { app, client, force: asked.forceRefresh },
      request,
      (why) => new WechatRefusal(45009, why),
    );
  }
}
