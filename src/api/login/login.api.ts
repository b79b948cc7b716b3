import type { ApiRoute, Fault } from '../common/api-route.js';
import {
  AuthorizeUrlRequest,
  DecryptRequest,
  ExchangeRequest,
  PhoneRequest,
  RedeemRequest,
  SessionRequest,
  UserinfoRequest,
} from './login-requests.dto.js';
import {
  authorizeUrlSchema,
  decryptedSchema,
  loginSchema,
  phoneSchema,
  sessionKeySchema,
  userinfoSchema,
  userTokensSchema,
  validitySchema,
} from './login.view.js';

const OPENID = 'oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A';
const SESSION = 'tbs_3q8JmV…';
const LOGIN = {
  openid: OPENID,
  unionid: 'oU7x2mQ4Zl0n8Rk3vYt7Wb1cDe9A',
  scope: ['snsapi_userinfo'],
  snapshot: false,
  session: SESSION,
  expires_in: 2_592_000,
};

const fault = (code: Exclude<Fault, string>[0], detail: string, action: Action, wait?: number): Fault => [
  code,
  detail,
  { action, retryAfterSeconds: wait },
];
type Action = NonNullable<NonNullable<Exclude<Fault, string>[2]>['action']>;

const BROWSER: Fault = [
  'browser_refused',
  'This route answers backend services only, and the request came from a page: it has the header Origin.',
];
const STORE = fault('store_unavailable', 'The store of logins gives no answer.', 'retry', 5);
const SCOPE_NOT_ALLOWED = fault('scope_not_allowed', 'This app cannot ask for that scope.', 'fix_request');
const WRONG_TYPE = fault(
  'wrong_app_type',
  'A mini program has no authorize page: exchange its js_code.',
  'fix_request',
);
const SESSION_UNKNOWN = fault(
  'session_unknown',
  'This client has no such session: it ended, or there was none.',
  'reauthorize',
);
const REAUTHORIZE = fault(
  'reauthorize_required',
  'The platform does not take this login any more.',
  'reauthorize',
);
const OF_CALLS: readonly Fault[] = [
  fault('scope_missing', 'The user did not consent to this.', 'reauthorize'),
  fault('user_blocked', 'The platform blocks this user.', 'stop'),
  fault('rate_limited', 'The platform wants fewer calls.', 'retry', 60),
  fault(
    'app_misconfigured',
    'The platform refuses this app; its operator sees why in GET /apps and the log.',
    'fix_config',
    60,
  ),
  fault('upstream_unavailable', 'The platform cannot be reached; nothing was sent.', 'retry', 2),
];
const OF_CODES: readonly Fault[] = [
  fault('code_used', 'This code was used before.', 'reauthorize'),
  fault('code_expired', 'This code is too old.', 'reauthorize'),
  fault('code_invalid', 'The platform knows no such code of this app.', 'reauthorize'),
  fault(
    'exchange_outcome_unknown',
    'The platform gave no answer: the code counts as spent.',
    'reauthorize',
    5,
  ),
];

const backend = { access: 'login', refusesBrowsers: true } as const;
const faults = (...own: readonly Fault[]): readonly Fault[] => [BROWSER, STORE, ...own];
const ok = (description: string, schema: Readonly<Record<string, unknown>>, example: object) => ({
  200: { description, schema, example },
});

export const AUTHORIZE_URL: ApiRoute = {
  ...backend,
  summary: 'Begin a login: where the browser goes, and what binds it to this browser',
  body: { shape: AuthorizeUrlRequest, example: { app: 'shop', redirect_uri: 'https://shop.example/back' } },
  answers: ok('Redirect the browser to `url`, with `binding` in a cookie', authorizeUrlSchema, {
    url: 'https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0123456789abcdef&redirect_uri=https%3A%2F%2Fshop.example%2Fback&response_type=code&scope=snsapi_base&state=…#wechat_redirect',
    state: 'h3Xq…',
    binding: 'Zk81…',
    expires_in: 600,
    fields: {
      appid: 'wx0123456789abcdef',
      redirect_uri: 'https://shop.example/back',
      scope: 'snsapi_base',
      state: 'h3Xq…',
    },
  }),
  faults: faults(
    fault(
      'redirect_uri_not_allowed',
      'It is none of login.redirectUris of this app, to the letter.',
      'fix_request',
    ),
    SCOPE_NOT_ALLOWED,
    WRONG_TYPE,
  ),
};

export const EXCHANGE: ApiRoute = {
  ...backend,
  summary: 'End a login: the code becomes a user and a session',
  description:
    'The state is checked and consumed before the code is sent. The same values get the same answer for 60 s. A mini program sends `js_code` alone.',
  body: {
    shape: ExchangeRequest,
    example: { app: 'shop', code: '011a…', state: 'h3Xq…', binding: 'Zk81…' },
  },
  answers: ok('Who it is', loginSchema, LOGIN),
  faults: faults(
    fault('code_missing', 'Send the code of the callback: without one the user refused.', 'fix_request'),
    WRONG_TYPE,
    fault('state_unknown', 'This client began no login with this state.', 'reauthorize'),
    fault('state_expired', 'The login took longer than 10 minutes.', 'reauthorize'),
    fault('state_mismatch', 'Another browser began this login.', 'reauthorize'),
    fault('state_used', 'This state was used before.', 'reauthorize'),
    ...OF_CODES,
    ...OF_CALLS,
  ),
};

export const REDEEM: ApiRoute = {
  ...backend,
  summary: 'End a login with a hosted callback: the ticket becomes a user and a session',
  body: { shape: RedeemRequest, example: { ticket: 'Qm5x…', binding: 'Zk81…' } },
  answers: ok('Who it is', loginSchema, LOGIN),
  faults: faults(
    ['invalid_request', 'In the body, ticket must be a string.'],
    fault('state_mismatch', 'Another browser began this login.', 'reauthorize'),
    fault('ticket_unknown', 'There is no such ticket of this client: it lives for 60 s.', 'reauthorize'),
    fault('ticket_used', 'This ticket was redeemed before.', 'reauthorize'),
    ...OF_CODES,
    ...OF_CALLS,
  ),
};

export const PHONE: ApiRoute = {
  ...backend,
  summary: 'The phone number that a user of a mini program agreed to give',
  body: {
    shape: PhoneRequest,
    example: { app: 'mini', code: 'e31968a7f94cc5ee25fafc2aef2773f0bb8c3937b22520eb8ee345274d00c144' },
  },
  answers: ok('As WeChat says it', phoneSchema, {
    phone_info: { phoneNumber: '13580006666', purePhoneNumber: '13580006666', countryCode: '86' },
  }),
  faults: faults(WRONG_TYPE, ...OF_CODES, ...OF_CALLS),
};

const ofSession = { ...backend, body: { shape: SessionRequest, example: { session: SESSION } } } as const;
const sessionFaults = (...own: readonly Fault[]): readonly Fault[] =>
  faults(['invalid_request', 'In the body, session must be a string.'], SESSION_UNKNOWN, WRONG_TYPE, ...own);

export const USERINFO: ApiRoute = {
  ...backend,
  summary: 'What the platform tells of the user',
  description: "Renews the user's token if need be.",
  body: { shape: UserinfoRequest, example: { session: SESSION, lang: 'zh_CN' } },
  answers: ok('As the platform says it', userinfoSchema, { profile: { openid: OPENID, nickname: '小明' } }),
  faults: sessionFaults(REAUTHORIZE, ...OF_CALLS),
};

export const TOKENS: ApiRoute = {
  ...ofSession,
  access: 'login:tokens',
  summary: "The user's own tokens",
  answers: ok('As the platform gave them; `expires_in` counts down', userTokensSchema, {
    access_token: '83_user…',
    refresh_token: '83_refresh…',
    expires_in: 6543,
    openid: OPENID,
    scope: ['snsapi_userinfo'],
  }),
  faults: sessionFaults(REAUTHORIZE, ...OF_CALLS),
};

export const CHECK_SESSION: ApiRoute = {
  ...ofSession,
  summary: 'Whether the session_key of a mini program is still the newest of its user',
  answers: ok('Whether it is', validitySchema, { valid: true }),
  faults: sessionFaults(...OF_CALLS),
};

export const DECRYPT: ApiRoute = {
  ...backend,
  summary: 'What a mini program got encrypted, in clear',
  body: {
    shape: DecryptRequest,
    example: { session: SESSION, encrypted_data: 'CiyLU1Aw2KjvrjMdj8…', iv: 'r7BXXKkLb8qrSNn05n0qiA==' },
  },
  answers: ok('After its watermark was checked', decryptedSchema, {
    data: { openId: OPENID, watermark: { appid: 'wx0123456789abcdef', timestamp: 1795250000 } },
  }),
  faults: sessionFaults(
    REAUTHORIZE,
    fault(
      'data_invalid',
      'This does not open with the key of this session, or is of another app.',
      'fix_request',
    ),
    ...OF_CALLS,
  ),
};

export const SESSION_KEY: ApiRoute = {
  ...ofSession,
  access: 'login:session-key',
  summary: 'The session_key itself',
  description: 'For what POST /login/session/decrypt does not do. It must not reach the mini program.',
  answers: ok('As WeChat gave it', sessionKeySchema, { session_key: 'tiihtNczf5v6AKRyjwEUhQ==' }),
  faults: sessionFaults(),
};

export const LOGOUT: ApiRoute = {
  ...ofSession,
  summary: 'End a session',
  answers: { 204: { description: 'It is forgotten' } },
  faults: sessionFaults(),
};

const page = { schema: { type: 'string' }, type: 'text/html' };

export const CALLBACK: ApiRoute = {
  access: 'public',
  summary: 'Where the platform sends the browser back, for apps with login.callbackBaseUrl',
  path: { app: { type: 'string', required: true, description: 'Alias of the app.' } },
  query: {
    code: { type: 'string' },
    state: { type: 'string' },
    error: { type: 'string', description: 'Of QQ, instead of a code.' },
  },
  answers: {
    303: { description: 'To the redirect_uri of the login, with `ticket`, or with `error=access_denied`' },
    400: { ...page, description: 'A page for people: there is nowhere to send the browser' },
    404: { ...page, description: 'The same: there is no such app, or it has no hosted callback' },
    405: { ...page, description: 'The same: this is no GET' },
    503: { ...page, description: 'The same: the store or the platform gives no answer' },
  },
};
