import { textOf, type FlagValues, type PlatformCommand } from '../flags.js';
import { Oauth2Simulator } from './oauth2-simulator.js';
import { DEFAULT_CLIENT, type SimulatedClient } from './settings.js';

export const oauth2Command: PlatformCommand = {
  title: 'OAuth 2',
  about:
    'An OAuth 2 token endpoint (client credentials, RFC 6749) and a resource behind it on a local port, faults on demand.',
  flags: {
    'client-id': { kind: 'text', option: 'clientId', help: ['<id>', DEFAULT_CLIENT.clientId] },
    'client-secret': {
      kind: 'text',
      option: 'clientSecret',
      help: ['<secret>', DEFAULT_CLIENT.clientSecret],
    },
    authentication: {
      kind: 'text',
      option: 'authentication',
      help: ['<way>', 'client_secret_basic, client_secret_post or both; both'],
    },
    scopes: { kind: 'list', option: 'scopes', help: ['<a,b>', 'what the client may ask for; anything'] },
    issuance: {
      kind: 'text',
      option: 'issuance',
      help: ['<word>', 'what a fetch does: independent, replaces, repeats or renews; independent'],
    },
    'expires-in': {
      kind: 'number',
      option: 'expiresInSeconds',
      help: ['<seconds>', 'life of a token, 3600, at least 1'],
    },
    overlap: {
      kind: 'number',
      option: 'overlapSeconds',
      help: ['<seconds>', 'replaces: what the token before has left, 300'],
    },
    'fresh-within': {
      kind: 'number',
      option: 'freshWithinSeconds',
      help: ['<seconds>', 'repeats: how long before its end the same token comes no more, 0'],
    },
    'life-as': {
      kind: 'text',
      option: 'lifeAs',
      help: ['<word>', 'how expires_in is sent: number, text or missing; number'],
    },
    'errors-with-200': {
      kind: 'switch',
      option: 'errorsWith200',
      help: ['', 'errors come with HTTP 200'],
    },
    'minute-quota': {
      kind: 'number',
      option: 'minuteQuota',
      help: ['<n>', 'fetches a minute, beyond which there is 429; no limit'],
    },
  },
  create: ({ clientId, clientSecret, scopes, errorsWith200, ...options }) =>
    new Oauth2Simulator({
      ...options,
      clients: [clientOf({ clientId, clientSecret, scopes })],
      errorStatus: errorsWith200 === true ? 200 : 'rfc',
    }),
  greeting(url, options) {
    const { clientId, clientSecret } = clientOf(options);
    const [id, secret] = [clientId, clientSecret].map(encodeURIComponent);
    const form = `grant_type=client_credentials&client_id=${String(id)}&client_secret=${String(secret)}`;
    return [
      `client_id      ${clientId}`,
      `client_secret  ${clientSecret}`,
      'Try:',
      `  curl ${url}/oauth2/token -d '${form}'`,
      `  curl ${url}/resource -H 'Authorization: Bearer TOKEN'`,
    ];
  },
};

function clientOf({ clientId, clientSecret, scopes }: FlagValues): SimulatedClient {
  return {
    clientId: textOf(clientId, DEFAULT_CLIENT.clientId),
    clientSecret: textOf(clientSecret, DEFAULT_CLIENT.clientSecret),
    ...(Array.isArray(scopes) && { scopes: scopes.map(String) }),
  };
}
