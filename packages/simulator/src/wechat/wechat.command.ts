import { textOf, type FlagValues, type PlatformCommand } from '../flags.js';
import { DEFAULT_APP, type SimulatedApp } from './settings.js';
import { WechatSimulator } from './wechat-simulator.js';

export const wechatCommand: PlatformCommand = {
  title: 'WeChat',
  about:
    "WeChat's token rules on a local port: both token families, quotas, errcodes, tickets, logins of users, faults on demand.",
  flags: {
    'app-id': { kind: 'text', option: 'appId', help: ['<id>', DEFAULT_APP.appId] },
    'app-secret': { kind: 'text', option: 'appSecret', help: ['<secret>', DEFAULT_APP.appSecret] },
    type: {
      kind: 'text',
      option: 'type',
      help: ['<word>', 'official_account, mini_program or website; official_account'],
    },
    'callback-domains': {
      kind: 'list',
      option: 'callbackDomains',
      help: ['<a,b>', 'hosts to which users who log in are sent back; all'],
    },
    'code-life': {
      kind: 'number',
      option: 'codeLifeSeconds',
      help: ['<seconds>', 'life of a login code, 300; scaled with --expires-in'],
    },
    refusal: {
      kind: 'text',
      option: 'refusal',
      help: ['<word>', 'what follows when a user refuses: redirect or close; redirect'],
    },
    'expires-in': {
      kind: 'number',
      option: 'expiresInSeconds',
      help: ['<seconds>', 'life of a token, 7200, at least 1'],
    },
    grace: {
      kind: 'number',
      option: 'graceSeconds',
      help: ['<seconds>', 'overlap of old and new token, 300; scaled with --expires-in'],
    },
    'force-interval': {
      kind: 'number',
      option: 'forceIntervalSeconds',
      help: ['<seconds>', 'between two forced refreshes, 30'],
    },
    'day-quota': { kind: 'number', option: 'dayQuota', help: ['<n>', 'GET /cgi-bin/token a day, 2000'] },
    'minute-quota': {
      kind: 'number',
      option: 'minuteQuota',
      help: ['<n>', 'GET /cgi-bin/token a minute, no limit'],
    },
    sandbox: { kind: 'switch', option: 'sandbox', help: ['', 'a test account: 200 a day'] },
    'ip-whitelist': {
      kind: 'list',
      option: 'ipWhitelist',
      help: ['<a,b>', 'callers that may fetch tokens; all'],
    },
    'wrong-secret-errcode': {
      kind: 'number',
      option: 'wrongSecretErrcode',
      help: ['<n>', '40125 or 40001'],
    },
  },
  create: ({ appId, appSecret, type, callbackDomains, ...options }) =>
    new WechatSimulator({ ...options, apps: [appOf({ appId, appSecret, type, callbackDomains })] }),
  greeting(url, options) {
    const { appId, appSecret, type } = appOf(options);
    const body = { grant_type: 'client_credential', appid: appId, secret: appSecret };
    return [
      `AppID      ${appId}`,
      `AppSecret  ${appSecret}`,
      'Try:',
      `  curl '${url}/cgi-bin/token?grant_type=client_credential&appid=${appId}&secret=${appSecret}'`,
      `  curl ${url}/cgi-bin/stable_token -d '${JSON.stringify(body)}'`,
      `  curl '${url}/cgi-bin/get_api_domain_ip?access_token=TOKEN'`,
      ...tryLogin(url, appId, type),
    ];
  },
};

function tryLogin(url: string, appId: string, type: SimulatedApp['type']): string[] {
  if (type === 'mini_program') return [`  curl -X POST ${url}/__sim/codes    # a js_code`];
  const target = encodeURIComponent('http://localhost/callback');
  const [path, scope] =
    type === 'website' ? ['qrconnect', 'snsapi_login'] : ['oauth2/authorize', 'snsapi_userinfo'];
  const query = `appid=${appId}&redirect_uri=${target}&response_type=code&scope=${scope}&state=S1`;
  return [`  open '${url}/connect/${path}?${query}'`];
}

function appOf({ appId, appSecret, type, callbackDomains }: FlagValues): SimulatedApp {
  return {
    appId: textOf(appId, DEFAULT_APP.appId),
    appSecret: textOf(appSecret, DEFAULT_APP.appSecret),
    ...(type !== undefined && { type: type as SimulatedApp['type'] }), // which the simulator checks
    ...(Array.isArray(callbackDomains) && { callbackDomains: callbackDomains.map(String) }),
  };
}
