import type { AppName, HeldToken } from '../../core/token.js';
import { tokenView, type TokenView } from '../tokens/token.view.js';

/** A ticket as callers get it. */
export interface TicketView extends Omit<TokenView, 'access_token'> {
  readonly type: string;
  readonly ticket: string;
}

export function ticketView(app: AppName, type: string, held: HeldToken, nowMonoMs: number): TicketView {
  const {
    access_token: ticket,
    expires_in,
    expires_at,
    generation,
    cache_max_age,
  } = tokenView(app, held, nowMonoMs);
  return { app, type, ticket, expires_in, expires_at, generation, cache_max_age };
}
