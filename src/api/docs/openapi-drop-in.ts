import type { OpenAPIObject } from '@nestjs/swagger';
import { openApiCommon } from './openapi-common.js';

const { ref, json } = openApiCommon;

const query = (name: string, values?: readonly string[], description = '') => ({
  name,
  in: 'query' as const,
  required: true,
  schema: { type: 'string', minLength: 1, ...(values && { enum: [...values] }) },
  ...(description && { description }),
});

const answers = (schema: string, example: object, errcodes: string) => ({
  200: {
    description: `As WeChat answers, errors included, which have errcode and errmsg: ${errcodes}`,
    content: json({ oneOf: [ref(schema), ref('WechatError')] }, example),
  },
});

const TOKEN_ERRCODES =
  '40002 grant_type, 40013 unknown or forbidden AppID, 40125 wrong API key, 41002 no appid, 41004 no secret, 48001 the key lacks the scope; no token: -1 or, for more than a minute, 45011';
const TOKEN = { access_token: '83_dE5x0yb2…', expires_in: 6543 };

const POSTED = 'As the GET. The parameters may be in the URL, in a form or in a JSON object.';

const classicToken = {
  summary: 'The current token, for SDKs of WeChat',
  security: [],
  responses: answers('WechatToken', TOKEN, `${TOKEN_ERRCODES}.`),
};

const ticket = {
  summary: 'The current ticket, for SDKs of WeChat',
  security: [],
  responses: answers(
    'WechatTicket',
    { errcode: 0, errmsg: 'ok', ticket: 'bxLdikRXVbTPdHSM…', expires_in: 6543 },
    '40001 no current token, 40097 type, 41001 no access_token; no ticket: -1 or, for more than a minute, 45011.',
  ),
};

/** What SDKs of WeChat ask for. These routes take no Authorization header. */
export const openApiDropInPaths: OpenAPIObject['paths'] = {
  '/cgi-bin/token': {
    get: {
      ...classicToken,
      description:
        'Scope `token:read`. Of several apps with one AppID the one with the classic grant is meant. `expires_in` is the time for which the token may be kept. A token that was there before is tried at WeChat first, though not at each ask.',
      parameters: [
        query('grant_type', ['client_credential']),
        query('appid'),
        query('secret', undefined, 'The API key. Proxies may log it: POST /cgi-bin/stable_token is better.'),
      ],
    },
    post: { ...classicToken, description: POSTED },
  },
  '/cgi-bin/gettoken': {
    get: {
      summary: 'The current token, for SDKs of WeCom',
      description:
        'Scope `token:read`. `corpid` is the corpid of an app with `provider: wecom`, and the key must see one agent of it only. `expires_in` is the time for which the token may be kept.',
      security: [],
      parameters: [query('corpid'), query('corpsecret', undefined, 'The API key.')],
      responses: {
        200: {
          description:
            'As WeCom answers, errors included, which have errcode and errmsg: 40001 wrong API key, 40013 unknown or forbidden corpid, 41002 no corpid, 41004 no corpsecret, 48002 the key lacks the scope; no token: -1 or, for more than a minute, 45009.',
          content: json(
            { oneOf: [ref('WecomToken'), ref('WechatError')] },
            { errcode: 0, errmsg: 'ok', ...TOKEN },
          ),
        },
      },
    },
  },
  '/cgi-bin/stable_token': {
    post: {
      summary: 'The current token, for SDKs of WeChat',
      description:
        'Scope `token:read`. Of several apps with one AppID the one with the stable grant is meant. `force_refresh` is a report of the current token, and needs the scope `token:refresh`.',
      security: [],
      requestBody: {
        required: true,
        content: json(ref('WechatTokenRequest'), {
          grant_type: 'client_credential',
          appid: 'wx0123456789abcdef',
          secret: 'tbk_…',
          force_refresh: false,
        }),
      },
      responses: answers(
        'WechatToken',
        TOKEN,
        `${TOKEN_ERRCODES}; 44002 no body, 45009 the day's budget of refreshes is used up, 47001 no JSON object.`,
      ),
    },
  },
  '/cgi-bin/ticket/getticket': {
    get: {
      ...ticket,
      description: 'A current access token opens it, as at WeChat.',
      parameters: [query('access_token'), query('type', ['jsapi', 'wx_card'])],
    },
    post: { ...ticket, description: POSTED },
  },
};
