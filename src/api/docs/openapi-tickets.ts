import type { OpenAPIObject } from '@nestjs/swagger';
import { openApiCommon } from './openapi-common.js';
import { openApiFaults } from './openapi-faults.js';

const { ref, json, appParameter, faults } = openApiCommon;

const NO_TICKET = [faults.noTokenYet, faults.tokenExpired, faults.heldElsewhere] as const;
const USUAL = [
  faults.appRequired,
  faults.unauthorized,
  faults.forbidden,
  faults.unknownApp,
  faults.internal,
  ...NO_TICKET,
] as const;

/** GET /ticket and POST /ticket/signature. */
export const openApiTicketPaths: OpenAPIObject['paths'] = {
  '/ticket': {
    get: {
      summary: 'The current ticket for the JS-SDK, or for cards',
      description:
        'Scope `ticket:read`. Fetched when it is first asked for, and from then on kept as tokens are.',
      parameters: [
        appParameter,
        {
          name: 'type',
          in: 'query',
          required: true,
          schema: { type: 'string', enum: ['jsapi', 'wx_card'] },
        },
      ],
      responses: {
        200: {
          description: 'A living ticket',
          content: json(ref('Ticket'), {
            app: 'shop',
            type: 'jsapi',
            ticket: 'bxLdikRXVbTPdHSM…',
            expires_in: 6543,
            expires_at: '2026-11-21T10:00:00.000Z',
            generation: 1795250000123,
            cache_max_age: 60,
          }),
        },
        ...openApiFaults(['invalid_request', '"type" must be one of jsapi, wx_card.'], ...USUAL),
      },
    },
  },
  '/ticket/signature': {
    post: {
      summary: 'A signature for wx.config, or for a cardExt',
      description:
        'Scope `ticket:read`. Give either `url`, the address of the page as `location.href` has it without its fragment, or `card_id` with what else the cardExt has.',
      requestBody: {
        required: true,
        content: json(ref('SignatureRequest'), { app: 'shop', url: 'https://example.com/page?a=1' }),
      },
      responses: {
        200: {
          description: 'What the page needs; the AppID is the appId of wx.config',
          content: json(ref('Signature'), {
            app_id: 'wx0123456789abcdef',
            timestamp: 1795250000,
            nonce_str: 'k3v9x0q2m4n8b7c1',
            signature: '0f9de62fce790f9a083d5c99e95740ceb90c27ed',
          }),
        },
        ...openApiFaults(
          [
            'invalid_request',
            "In the body, url has a fragment, which WeChat leaves out when it checks the signature: send location.href.split('#')[0].",
          ],
          ...USUAL,
          faults.payloadTooLarge,
          faults.unsupportedMediaType,
        ),
      },
    },
  },
};
