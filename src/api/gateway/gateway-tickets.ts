import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { TicketBroker } from '../../core/ticket-broker.js';
import type { AppName } from '../../core/token.js';
import { HttpProblem } from '../common/problem.js';

/** As WeChat's and WeCom's ticket endpoints answer. */
export interface TicketAnswer {
  readonly errcode: 0;
  readonly errmsg: 'ok';
  readonly ticket: string;
  readonly expires_in: number;
}

/** Answers the platform's ticket endpoint with the ticket that the broker keeps: each fetch of another one counts against a quota. */
@Injectable()
export class GatewayTickets {
  constructor(private readonly tickets: TicketBroker) {}

  /** @throws HttpProblem `invalid_request`; BrokerError as `TicketBroker.current` does */
  async ticket(app: AppName, type: string, request: FastifyRequest): Promise<TicketAnswer> {
    const types = this.tickets.types(app);
    if (!types.includes(type)) {
      throw new HttpProblem('invalid_request', `"type" must be one of ${types.join(', ')}.`);
    }
    const held = await this.tickets.current(app, type);
    request.audited = { action: 'ticket.read', app, reason: type, token: held.record };
    const seconds = Math.floor(this.tickets.cacheableMs(app, type, held) / 1000);
    return { errcode: 0, errmsg: 'ok', ticket: held.record.value, expires_in: Math.max(1, seconds) };
  }
}
