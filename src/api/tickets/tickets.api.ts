import { appParameter, type ApiRoute } from '../common/api-route.js';
import { oneOf } from '../common/schema.js';
import { NO_TOKEN } from '../tokens/tokens.api.js';
import { SignatureRequest } from './signature-request.dto.js';
import { signatureSchema, ticketSchema } from './ticket-view.js';

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
