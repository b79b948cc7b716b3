import { Body, Controller, Get, HttpCode, Post, Query as QueryString, Req, Module } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AuditAction } from '../../core/ports/audit-entry.js';
import { Clock } from '../../core/ports/clock.js';
import { TicketBroker } from '../../core/ticket-broker.js';
import { TokenBroker } from '../../core/broker.js';
import type { AppName, HeldToken } from '../../core/token.js';
import { Caller } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import { Api } from '../common/api-route.js';
import { HttpProblem } from '../common/problem.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import { singleParameter, type Query } from '../common/request.js';
import {
  READ_TICKET,
  SIGN,
  ticketView,
  type SignatureView,
  type TicketView,
  SignatureRequest,
} from './tickets.api.js';
import { hash } from 'node:crypto';

const NONCE_LENGTH = 16;
const NONCE_RADIX = 36;

/** Tickets, and signatures that are made with them. */
@Controller('ticket')
class TicketController {
  constructor(
    private readonly tickets: TicketBroker,
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Api(READ_TICKET)
  async read(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @QueryString() query: Query,
  ): Promise<TicketView> {
    const app = client.app(singleParameter(query, 'app'));
    const type = this.ticketType(app, singleParameter(query, 'type'));
    const held = await this.ticket('ticket.read', app, type, request);
    return ticketView(app, type, held, this.clock.monotonicMs());
  }

  @Post('signature')
  @HttpCode(200)
  @Api(SIGN)
  async sign(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(SignatureRequest)) body: SignatureRequest,
  ): Promise<SignatureView> {
    const app = client.app(body.app ?? undefined);
    const timestamp = Math.floor(this.clock.wallMs() / 1000);
    const nonceStr = this.nonce();
    const sign = signer(body);
    const held = await this.ticket('ticket.sign', app, this.ticketType(app, sign.type), request);
    return {
      app_id: this.broker.status(app).appId,
      timestamp,
      nonce_str: nonceStr,
      signature: sign.signature(held.record.value, nonceStr, timestamp),
    };
  }

  private async ticket(
    action: AuditAction,
    app: AppName,
    type: string,
    request: FastifyRequest,
  ): Promise<HeldToken> {
    const held = await this.tickets.current(app, type);
    request.audited = { action, app, reason: type, token: held.record };
    return held;
  }

  private ticketType(app: AppName, type: string | undefined): string {
    const types = this.tickets.types(app);
    if (type !== undefined && types.includes(type)) return type;
    if (types.length > 0)
      throw new HttpProblem('invalid_request', `"type" must be one of ${types.join(', ')}.`);
    throw new HttpProblem('invalid_request', 'The platform of this app has no tickets: name another app.');
  }

  /** Only to be different each time: nobody has to guess it. */
  private nonce(): string {
    const digit = (): string => Math.floor(this.clock.random() * NONCE_RADIX).toString(NONCE_RADIX);
    return Array.from({ length: NONCE_LENGTH }, digit).join('');
  }
}

interface Signer {
  readonly type: string;
  readonly signature: (ticket: string, nonceStr: string, timestamp: number) => string;
}

/** @throws HttpProblem `invalid_request` */
function signer({ url, type, card_id: cardId, code, openid }: SignatureRequest): Signer {
  if (url != null && cardId == null) {
    const signable = signableUrl(url);
    return {
      type: type ?? 'jsapi',
      signature: (ticket, nonceStr, timestamp) =>
        jsapiSignature({ ticket, nonceStr, timestamp, url: signable }),
    };
  }
  if (cardId != null && url == null) {
    const given = [cardId, code ?? '', openid ?? ''];
    return {
      type: 'wx_card',
      signature: (ticket, nonceStr, timestamp) =>
        cardSignature([ticket, nonceStr, String(timestamp), ...given]),
    };
  }
  throw new HttpProblem('invalid_request', 'Give either url, for a page, or card_id, for a card.');
}

interface JsapiSignatureInput {
  readonly ticket: string;
  readonly nonceStr: string;
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
  /** As `signableUrl` allows it; not encoded any further. */
  readonly url: string;
}

/** The `signature` of `wx.config`. */
export function jsapiSignature({ ticket, nonceStr, timestamp, url }: JsapiSignatureInput): string {
  return sha1(`jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${String(timestamp)}&url=${url}`);
}

/** The `signature` of a `cardExt`: of the ticket, the time and all that the card is given, in any order. */
export function cardSignature(values: readonly string[]): string {
  return sha1(values.toSorted(byCodeUnits).join(''));
}

/**
 * The URL as it is, if WeChat can have the same one to sign: the page's address without its fragment.
 *
 * @throws HttpProblem `invalid_request`
 */
export function signableUrl(url: string): string {
  if (!/^https?:\/\/[^\s/?#]/i.test(url) || /\s/.test(url)) {
    throw new HttpProblem(
      'invalid_request',
      "In the body, url must be the whole address of the page, not encoded any further, beginning with http:// or https://: send location.href.split('#')[0].",
    );
  }
  if (url.includes('#')) {
    throw new HttpProblem(
      'invalid_request',
      "In the body, url has a fragment, which WeChat leaves out when it checks the signature: send location.href.split('#')[0].",
    );
  }
  return url;
}

function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function sha1(text: string): string {
  return hash('sha1', text);
}

@Module({ controllers: [TicketController] })
export class TicketsModule {}
