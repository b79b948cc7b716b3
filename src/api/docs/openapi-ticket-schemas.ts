import { integer, text } from '../common/schema.js';
import { signatureSchema, ticketSchema } from '../tickets/ticket-view.js';

const textOrNull = { type: 'string', nullable: true };

const wechatTokenProperties = { access_token: text, expires_in: integer };

/** The bodies of tickets and of the drop-in endpoints, for the OpenAPI document. */
export const openApiTicketSchemas = {
  Ticket: ticketSchema,
  SignatureRequest: {
    type: 'object',
    additionalProperties: false,
    properties: {
      app: { ...textOrNull, minLength: 1 },
      url: {
        ...textOrNull,
        minLength: 1,
        maxLength: 4096,
        description: 'Absolute, http or https, without a fragment.',
      },
      type: {
        ...textOrNull,
        minLength: 1,
        maxLength: 64,
        description:
          'With `url`: the kind of ticket that signs, `jsapi` if left out; `agent_config` for an app of WeCom.',
      },
      card_id: { ...textOrNull, minLength: 1, maxLength: 128, description: 'Instead of `url`.' },
      code: { ...textOrNull, maxLength: 128, description: 'Of the cardExt.' },
      openid: { ...textOrNull, maxLength: 128, description: 'Of the cardExt.' },
    },
  },
  Signature: signatureSchema,
  WechatTokenRequest: {
    type: 'object',
    required: ['grant_type', 'appid', 'secret'],
    properties: {
      grant_type: { type: 'string', enum: ['client_credential'] },
      appid: { ...text, minLength: 1 },
      secret: { type: 'string', minLength: 1, description: 'The API key.' },
      force_refresh: { type: 'boolean', default: false },
    },
  },
  WecomToken: {
    type: 'object',
    required: ['errcode', 'errmsg', 'access_token', 'expires_in'],
    properties: {
      errcode: { type: 'integer', enum: [0] },
      errmsg: { type: 'string', enum: ['ok'] },
      access_token: { type: 'string' },
      expires_in: { type: 'integer', minimum: 1, description: 'Seconds for which it may be kept.' },
    },
  },
  WechatToken: {
    type: 'object',
    required: Object.keys(wechatTokenProperties),
    properties: wechatTokenProperties,
  },
  WechatTicket: {
    type: 'object',
    required: ['errcode', 'errmsg', 'ticket', 'expires_in'],
    properties: { errcode: { ...integer, enum: [0] }, errmsg: text, ticket: text, expires_in: integer },
  },
  WechatError: {
    type: 'object',
    required: ['errcode', 'errmsg'],
    properties: {
      errcode: { ...integer, not: { enum: [0] } },
      errmsg: { type: 'string', description: "WeChat's words, and after `access-token-broker:` the reason." },
    },
  },
};
