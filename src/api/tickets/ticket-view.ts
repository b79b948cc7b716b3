import type { AppName, HeldToken } from '../../core/token.js';
import { alias, cacheMaxAge, object, text, time, type FromSchema } from '../common/schema.js';
import { tokenView } from '../tokens/token.view.js';

/** A ticket as callers get it. */
export const ticketSchema = {
  title: 'Ticket',
  ...object({
    app: alias,
    type: {
      type: 'string',
      description: 'The kind of ticket: `jsapi`, `wx_card`, or another of the platform.',
    },
    ticket: text,
    expires_in: { type: 'integer', description: 'Whole seconds left.' },
    expires_at: time,
    generation: { type: 'integer', format: 'int64', description: 'Opaque; only ever grows for a ticket.' },
    cache_max_age: cacheMaxAge,
  }),
} as const;

export type TicketView = FromSchema<typeof ticketSchema>;

/** What a page hands to `wx.config`, or a card's `cardExt` has. */
export const signatureSchema = {
  title: 'Signature',
  ...object({
    app_id: text,
    timestamp: { type: 'integer', description: 'Seconds since the Unix epoch.' },
    nonce_str: text,
    signature: text,
  }),
} as const;

export type SignatureView = FromSchema<typeof signatureSchema>;

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
