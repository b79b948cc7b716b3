import { textOf, type FlagValues, type PlatformCommand } from '../flags.js';
import { DEFAULT_APP, type SimulatedApp } from './settings.js';
import { WechatSimulator } from './wechat-simulator.js';

export const wechatCommand: PlatformCommand = {
  title: 'WeChat',
  about:
    "WeChat's token rules on a local port: both token families, quotas, errcodes, tickets, faults on demand.",
  flags: {
    'app-id': { kind: 'text', option: 'appId', help: ['<id>', DEFAULT_APP.appId] },
    'app-secret': { kind: 'text', option: 'appSecret', help: ['<secret>', DEFAULT_APP.appSecret] },
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
  create: ({ appId, appSecret, ...options }) =>
    new WechatSimulator({ ...options, apps: [appOf({ appId, appSecret })] }),
  greeting(url, options) {
    const { appId, appSecret } = appOf(options);
    const body = { grant_type: 'client_credential', appid: appId, secret: appSecret };
    return [
      `AppID      ${appId}`,
      `AppSecret  ${appSecret}`,
      'Try:',
      `  curl '${url}/cgi-bin/token?grant_type=client_credential&appid=${appId}&secret=${appSecret}'`,
      `  curl ${url}/cgi-bin/stable_token -d '${JSON.stringify(body)}'`,
      `  curl '${url}/cgi-bin/get_api_domain_ip?access_token=TOKEN'`,
    ];
  },
};

function appOf({ appId, appSecret }: FlagValues): SimulatedApp {
  return {
    appId: textOf(appId, DEFAULT_APP.appId),
    appSecret: textOf(appSecret, DEFAULT_APP.appSecret),
  };
}
