import { textOf, type FlagValues, type PlatformCommand } from '../flags.js';
import { DEFAULT_AGENT, type SimulatedAgent } from './settings.js';
import { WecomSimulator } from './wecom-simulator.js';

export const wecomCommand: PlatformCommand = {
  title: 'WeCom',
  about:
    "WeCom's token rules on a local port: the same token until its expiry, errcodes, tickets, trusted IPs, faults on demand.",
  flags: {
    'corp-id': { kind: 'text', option: 'corpId', help: ['<id>', DEFAULT_AGENT.corpId] },
    'corp-secret': { kind: 'text', option: 'corpSecret', help: ['<secret>', DEFAULT_AGENT.corpSecret] },
    'agent-id': { kind: 'text', option: 'agentId', help: ['<id>', DEFAULT_AGENT.agentId] },
    'expires-in': {
      kind: 'number',
      option: 'expiresInSeconds',
      help: ['<seconds>', 'life of a token, 7200, at least 1'],
    },
    'repeated-life': {
      kind: 'text',
      option: 'repeatedLife',
      help: ['<word>', 'expires_in of a token that is handed out again: rest or full; rest'],
    },
    hole: {
      kind: 'number',
      option: 'holeSeconds',
      help: ['<seconds>', 'after expiry, until there is a new token, 0'],
    },
    'in-hole': {
      kind: 'text',
      option: 'inHole',
      help: ['<word>', 'what gettoken does in the hole: late, same_token or busy; late'],
    },
    'dead-token-errcode': {
      kind: 'number',
      option: 'deadTokenErrcode',
      help: ['<n>', '42001, 40014 or 40001'],
    },
    'after-early-death': {
      kind: 'text',
      option: 'afterEarlyDeath',
      help: ['<word>', 'what gettoken gives after an early death: new or same; new'],
    },
    'wrong-secret-errcode': {
      kind: 'number',
      option: 'wrongSecretErrcode',
      help: ['<n>', '40001 or 40091'],
    },
    'trusted-ips': { kind: 'list', option: 'trustedIps', help: ['<a,b>', 'callers of business calls; all'] },
    'failed-fetch-quota': {
      kind: 'number',
      option: 'failedFetchQuota',
      help: ['<n>', 'refused fetches in an hour before the corp is blocked, 2000'],
    },
  },
  create: ({ corpId, corpSecret, agentId, ...options }) =>
    new WecomSimulator({ ...options, apps: [agentOf({ corpId, corpSecret, agentId })] }),
  greeting(url, options) {
    const { corpId, corpSecret, agentId } = agentOf(options);
    return [
      `corpid      ${corpId}`,
      `corpsecret  ${corpSecret}`,
      `agentid     ${agentId}`,
      'Try:',
      `  curl '${url}/cgi-bin/gettoken?corpid=${corpId}&corpsecret=${corpSecret}'`,
      `  curl '${url}/cgi-bin/get_api_domain_ip?access_token=TOKEN'`,
    ];
  },
};

function agentOf({ corpId, corpSecret, agentId }: FlagValues): SimulatedAgent {
  return {
    corpId: textOf(corpId, DEFAULT_AGENT.corpId),
    corpSecret: textOf(corpSecret, DEFAULT_AGENT.corpSecret),
    agentId: textOf(agentId, DEFAULT_AGENT.agentId),
  };
}
