import { type ApiRoute } from '../../api/common/api-route.js';
import { integer, object, oneOf, text } from '../../api/common/schema.js';
import { errcodeZero, platformErrorSchema, requiredText } from '../drop-in.js';

const tokenSchema = { title: 'WechatToken', ...object({ access_token: text, expires_in: integer }) };
const ticketSchema = {
  title: 'WechatTicket',
  ...object({ errcode: errcodeZero, errmsg: text, ticket: text, expires_in: integer }),
};
const tokenRequestSchema = {
  title: 'WechatTokenRequest',
  ...object(
    {
      grant_type: oneOf('client_credential'),
      appid: { ...text, minLength: 1 },
      secret: { ...text, minLength: 1, description: 'The API key.' },
    },
    { force_refresh: { type: 'boolean', default: false } },
  ),
};

const answers = (schema: object, example: object, errcodes: string): ApiRoute['answers'] => ({
  200: {
    description: `As WeChat answers, errors included, which have errcode and errmsg: ${errcodes}`,
    schema: { oneOf: [schema, platformErrorSchema] },
    example,
  },
});

const TOKEN_ERRCODES =
  '40002 grant_type, 40013 unknown or forbidden AppID, 40125 wrong API key, 41002 no appid, 41004 no secret, 48001 the key lacks the scope; no token: -1 or, for more than a minute, 45011';
const TOKEN = { access_token: '83_dE5x0yb2…', expires_in: 6543 };

const POSTED = 'As the GET. The parameters may be in the URL, in a form or in a JSON object.';

const classicToken = {
  access: 'public',
  summary: 'The current token, for SDKs of WeChat',
  answers: answers(tokenSchema, TOKEN, `${TOKEN_ERRCODES}.`),
} as const;

export const CLASSIC_TOKEN: ApiRoute = {
  ...classicToken,
  description:
    'Scope `token:read`. Of several apps with one AppID the one with the classic grant is meant. `expires_in` is the time for which the token may be kept. A token that was there before is tried at WeChat first, though not at each ask.',
  query: {
    grant_type: { ...requiredText, enum: ['client_credential'] },
    appid: requiredText,
    secret: {
      ...requiredText,
      description: 'The API key. Proxies may log it: POST /cgi-bin/stable_token is better.',
    },
  },
};

export const CLASSIC_TOKEN_POSTED: ApiRoute = { ...classicToken, description: POSTED };

export const STABLE_TOKEN: ApiRoute = {
  access: 'public',
  summary: 'The current token, for SDKs of WeChat',
  description:
    'Scope `token:read`. Of several apps with one AppID the one with the stable grant is meant. `force_refresh` is a report of the current token, and needs the scope `token:refresh`.',
  body: {
    schema: tokenRequestSchema,
    example: {
      grant_type: 'client_credential',
      appid: 'wx0123456789abcdef',
      secret: 'tbk_…',
      force_refresh: false,
    },
  },
  answers: answers(
    tokenSchema,
    TOKEN,
    `${TOKEN_ERRCODES}; 44002 no body, 45009 the day's budget of refreshes is used up, 47001 no JSON object.`,
  ),
};

const ticket = {
  access: 'public',
  summary: 'The current ticket, for SDKs of WeChat',
  answers: answers(
    ticketSchema,
    { errcode: 0, errmsg: 'ok', ticket: 'bxLdikRXVbTPdHSM…', expires_in: 6543 },
    '40001 no current token, 40097 type, 41001 no access_token; no ticket: -1 or, for more than a minute, 45011.',
  ),
} as const;

export const TICKET: ApiRoute = {
  ...ticket,
  description: 'A current access token opens it, as at WeChat.',
  query: { access_token: requiredText, type: { ...requiredText, enum: ['jsapi', 'wx_card'] } },
};

export const TICKET_POSTED: ApiRoute = { ...ticket, description: POSTED };
