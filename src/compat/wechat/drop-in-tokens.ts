import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DropIn, type DropInToken } from '../drop-in.js';
import { WechatClients } from './wechat-clients.js';
import { WechatRefusal } from './wechat-refusal.js';
import { TicketBroker } from '../../core/ticket-broker.js';
import { TokenBroker } from '../../core/broker.js';
import type { AppName } from '../../core/token.js';
import { Authenticator } from '../../api/auth/api-key.guard.js';
import { looksVirtual } from '../../core/virtual-tokens.js';
import { PlatformPaths } from './platform-paths.js';

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

export interface DropInTicket {
  readonly errcode: 0;
  readonly errmsg: 'ok';
  readonly ticket: string;
  readonly expires_in: number;
}

/** The broker in the words of WeChat's ticket endpoint: whoever holds a living access token gets the ticket of its app; with a virtual one, a client with the scope `ticket:read`. */
@Injectable()
export class DropInTickets {
  constructor(
    private readonly broker: TokenBroker,
    private readonly tickets: TicketBroker,
    private readonly authenticator: Authenticator,
    private readonly calls: PlatformPaths,
    private readonly clients: WechatClients,
  ) {}

  /** @throws WechatRefusal; BrokerError as `TicketBroker.current` does */
  async ticket(accessToken: string, typeName: string, request: FastifyRequest): Promise<DropInTicket> {
    if (accessToken === '') throw new WechatRefusal(41001, 'send it, once, as access_token.');
    const app = looksVirtual(accessToken)
      ? this.appOfVirtual(accessToken, request)
      : this.appOfReal(accessToken, request);
    const types = this.tickets.types(app);
    const type = types.find((one) => one === typeName);
    if (type === undefined) throw new WechatRefusal(40097, `type is one of ${types.join(', ')}.`);
    const held = await this.tickets.current(app, type);
    request.audited = { action: 'ticket.read', app, reason: type, token: held.record };
    const seconds = Math.floor(this.tickets.cacheableMs(app, type, held) / 1000);
    return { errcode: 0, errmsg: 'ok', ticket: held.record.value, expires_in: Math.max(1, seconds) };
  }

  private appOfReal(accessToken: string, request: FastifyRequest): AppName {
    const app = this.broker.appOf(accessToken);
    if (app !== undefined) return app;
    this.authenticator.refused(request, 'unknown_token');
    throw new WechatRefusal(40001, 'this is no current access token of its apps.');
  }

  private appOfVirtual(accessToken: string, request: FastifyRequest): AppName {
    const { app, client } = this.calls.holder(accessToken, request);
    this.clients.requireScope('ticket:read', client, request);
    return app;
  }
}
