import { textOf, type FlagValues, type PlatformCommand } from '../flags.js';
import { QqSimulator } from './qq-simulator.js';
import { DEFAULT_QQ_APP, type SimulatedQqApp } from './settings.js';

export const qqCommand: PlatformCommand = {
  title: 'QQ',
  about: 'QQ Connect on a local port: the page that asks the user, codes, users, errors, faults on demand.',
  flags: {
    'app-id': { kind: 'text', option: 'appId', help: ['<id>', DEFAULT_QQ_APP.appId] },
    'app-key': { kind: 'text', option: 'appKey', help: ['<key>', DEFAULT_QQ_APP.appKey] },
    'redirect-uris': {
      kind: 'list',
      option: 'redirectUris',
      help: ['<a,b>', 'callbacks that are registered; all'],
    },
    'expires-in': {
      kind: 'number',
      option: 'expiresInSeconds',
      help: ['<seconds>', "life of a user's token, 7776000, at least 1"],
    },
    'code-life': {
      kind: 'number',
      option: 'codeLifeSeconds',
      help: ['<seconds>', 'life of a code, 600; scaled with --expires-in'],
    },
    'redirect-match': {
      kind: 'text',
      option: 'redirectMatch',
      help: ['<word>', 'how a callback is compared: exact or host; exact'],
    },
    refusal: {
      kind: 'text',
      option: 'refusal',
      help: ['<word>', 'what a refusal leads to: redirect or close; redirect'],
    },
    'errors-back': {
      kind: 'text',
      option: 'errorsBack',
      help: ['<word>', 'the name of the parameter with an error: error or code; error'],
    },
    'json-life': {
      kind: 'text',
      option: 'jsonLife',
      help: ['<word>', 'expires_in with fmt=json: text or number; text'],
    },
  },
  create: ({ appId, appKey, redirectUris, ...options }) =>
    new QqSimulator({ ...options, apps: [appOf({ appId, appKey, redirectUris })] }),
  greeting(url, options) {
    const { appId, appKey } = appOf(options);
    const target = encodeURIComponent('http://localhost/callback');
    return [
      `APP ID   ${appId}`,
      `APP Key  ${appKey}`,
      'Try:',
      `  open '${url}/oauth2.0/authorize?response_type=code&client_id=${appId}&redirect_uri=${target}&state=S1'`,
      `  curl '${url}/__sim/codes' -d '{"user":"ada","redirectUri":"http://localhost/callback"}'`,
    ];
  },
};

function appOf({ appId, appKey, redirectUris }: FlagValues): SimulatedQqApp {
  return {
    appId: textOf(appId, DEFAULT_QQ_APP.appId),
    appKey: textOf(appKey, DEFAULT_QQ_APP.appKey),
    ...(Array.isArray(redirectUris) && { redirectUris: redirectUris.map(String) }),
  };
}
