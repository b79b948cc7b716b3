import { appParameter, type ApiRoute, about } from '../common/api-route.js';
import { oneOf, alias, cacheMaxAge, object, text, time, type FromSchema } from '../common/schema.js';
import { NO_TOKEN, tokenView } from '../tokens/tokens.api.js';
import type { AppName, HeldToken } from '../../core/token.js';
import { IsOptional, IsString, Length } from 'class-validator';

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

/** Body of POST /ticket/signature: either the page's `url`, or the `card_id` of a card and what else its `cardExt` has. */
export class SignatureRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @IsOptional()
  @Length(1, 4096)
  @IsString(about('Absolute, http or https, without a fragment.'))
  url?: string | null;

  @IsOptional()
  @Length(1, 64)
  @IsString(
    about(
      'With `url`: the kind of ticket that signs, `jsapi` if left out; `agent_config` for an app of WeCom.',
    ),
  )
  type?: string | null;

  @IsOptional()
  @Length(1, 128)
  @IsString(about('Instead of `url`.'))
  card_id?: string | null;

  @IsOptional()
  @Length(0, 128)
  @IsString(about('Of the cardExt.'))
  code?: string | null;

  @IsOptional()
  @Length(0, 128)
  @IsString(about('Of the cardExt.'))
  openid?: string | null;
}

export const READ_TICKET: ApiRoute = {
  access: 'ticket:read',
  summary: 'The current ticket for the JS-SDK, or for cards',
  description: 'Fetched when it is first asked for, and from then on kept as tokens are.',
  query: { app: appParameter, type: { ...oneOf('jsapi', 'wx_card'), required: true } },
  answers: {
    200: {
      description: 'A living ticket',
      schema: ticketSchema,
      example: {
        app: 'shop',
        type: 'jsapi',
        ticket: 'bxLdikRXVbTPdHSM…',
        expires_in: 6543,
        expires_at: '2026-11-21T10:00:00.000Z',
        generation: 1795250000123,
        cache_max_age: 60,
      },
    },
  },
  faults: [['invalid_request', '"type" must be one of jsapi, wx_card.'], ...NO_TOKEN],
};

export const SIGN: ApiRoute = {
  access: 'ticket:read',
  summary: 'A signature for wx.config, or for a cardExt',
  description:
    'Give either `url`, the address of the page as `location.href` has it without its fragment, or `card_id` with what else the cardExt has.',
  body: { shape: SignatureRequest, example: { app: 'shop', url: 'https://example.com/page?a=1' } },
  answers: {
    200: {
      description: 'What the page needs; the AppID is the appId of wx.config',
      schema: signatureSchema,
      example: {
        app_id: 'wx0123456789abcdef',
        timestamp: 1795250000,
        nonce_str: 'k3v9x0q2m4n8b7c1',
        signature: '0f9de62fce790f9a083d5c99e95740ceb90c27ed',
      },
    },
  },
  faults: [
    [
      'invalid_request',
      "In the body, url has a fragment, which WeChat leaves out when it checks the signature: send location.href.split('#')[0].",
    ],
    ...NO_TOKEN,
  ],
};
