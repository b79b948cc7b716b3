import type { IssuedToken } from '../issued-token.js';
import { isObject, parsed } from '../input-checks.js';
import { countAgainst } from '../rate-limit.js';
import { Refusal } from '../refusal.js';
import type { HttpCall } from '../read-call.js';
import type { Agent } from './agent.js';
import type { Platform } from './platform.js';

interface WecomAnswer {
  readonly body: Readonly<Record<string, unknown>>;
  /** The token that the body carries. */
  readonly token?: IssuedToken;
}

/** Answers one API call as of `nowMs`. Throws a Refusal where the platform answers with an errcode. */
type WecomHandler = (call: HttpCall, platform: Platform, nowMs: number) => WecomAnswer;

export const TOKEN_PATH = '/cgi-bin/gettoken';
const DOMAIN_IP_PATH = '/cgi-bin/get_api_domain_ip';
const CALLBACK_IP_PATH = '/cgi-bin/getcallbackip';

const OK = { errcode: 0, errmsg: 'ok' };

/** What some APIs keep in their answer beside an errcode. */
export const DATA_OF_FAILURE: Readonly<Record<string, object>> = {
  [DOMAIN_IP_PATH]: { ip_list: [] },
  [CALLBACK_IP_PATH]: { ip_list: [] },
};

/** Calls that are documented as GET take any method: what the platform does then is not known. */
export const ROUTES: ReadonlyMap<string, WecomHandler> = new Map<string, WecomHandler>([
  [TOKEN_PATH, getToken],
  [
    DOMAIN_IP_PATH,
    business((_agent, _call, { settings }) => ({
      ip_list: ['182.254.11.176', '182.254.78.66'],
      ...(settings.successWithoutErrcode ? {} : OK),
    })),
  ],
  [CALLBACK_IP_PATH, business(() => ({ ip_list: ['101.226.103.59', '101.226.103.60'], ...OK }))],
  ['/cgi-bin/get_jsapi_ticket', ticket((agent) => agent.corpId)],
  [
    '/cgi-bin/ticket/get',
    ticket((agent, { query }) => {
      if (query.get('type') !== 'agent_config') throw new Refusal(40035);
      return agent.appId;
    }),
  ],
  [
    '/cgi-bin/message/send',
    business((agent, { body }) => {
      const posted = parsed(body);
      assertOwn(agent, isObject(posted) ? posted.agentid : undefined);
      return { ...OK, msgid: 'simulated' };
    }),
  ],
  [
    '/cgi-bin/agent/get',
    business((agent, { query }) => {
      assertOwn(agent, query.get('agentid'));
      return { ...OK, agentid: Number(agent.agentId), name: 'simulated' };
    }),
  ],
]);

/** A refused call counts towards the block of its corp, or of its address if it names no corp. */
function getToken(call: HttpCall, platform: Platform, nowMs: number): WecomAnswer {
  const corpId = call.query.get('corpid') ?? '';
  const isCorp = platform.agentsOf(corpId).length > 0;
  const failures = platform.failedFetches.of(isCorp ? corpId : call.callerIp);
  if (failures.blockedForMs(nowMs) > 0) throw new Refusal(45009);
  platform.admit(call, corpId, nowMs);
  const agent = entitled(call, platform);
  if (typeof agent === 'number') {
    failures.count(nowMs);
    throw new Refusal(agent);
  }
  const before = agent.current;
  const token = agent.issue('caller', nowMs);
  const isFull = token !== before || platform.settings.repeatedLife === 'full';
  const leftMs = isFull ? platform.settings.lifeMs : Math.max(0, token.expiresAtMs - nowMs);
  return { body: { ...OK, access_token: token.value, expires_in: Math.floor(leftMs / 1000) }, token };
}

/** The app whose secret the call has, or the errcode of the refusal. */
function entitled({ query, callerIp }: HttpCall, platform: Platform): Agent | number {
  const { settings } = platform;
  const [corpId, secret] = [query.get('corpid') ?? '', query.get('corpsecret') ?? ''];
  if (corpId === '') return 41002;
  if (secret === '') return 41004;
  const agents = platform.agentsOf(corpId);
  if (agents.length === 0) return 40013;
  const agent = agents.find(({ corpSecret }) => corpSecret === secret);
  if (!agent) return settings.wrongSecretErrcode;
  if (agent.disabled) return 40001;
  if (settings.ipCheckAtGettoken && !isTrusted(agent, callerIp)) return 60020;
  return agent;
}

/** A call that needs a good token from an address that the app trusts, within the limits of its corp. */
function business(
  answer: (agent: Agent, call: HttpCall, platform: Platform, nowMs: number) => WecomAnswer['body'],
): WecomHandler {
  return (call, platform, nowMs) => {
    const agent = authorized(call, platform, nowMs);
    platform.admit(call, agent.corpId, nowMs);
    return { body: answer(agent, call, platform, nowMs) };
  };
}

function authorized({ query, callerIp }: HttpCall, platform: Platform, nowMs: number): Agent {
  const { settings, ledger } = platform;
  const value = query.get('access_token') ?? '';
  if (value === '') throw new Refusal(41001);
  const token = ledger.find(value);
  const agent = token && platform.agent(token.appId);
  if (!agent) throw new Refusal(40014);
  const refusals = [
    token.fateAt(nowMs) === 'valid' ? undefined : settings.deadTokenErrcode,
    isTrusted(agent, callerIp) ? undefined : 60020,
  ];
  if (settings.ipCheck === 'before_token') refusals.reverse();
  const errcode = refusals.find((one) => one !== undefined);
  if (errcode !== undefined) throw new Refusal(errcode);
  return agent;
}

function isTrusted({ trustedIps }: Agent, callerIp: string): boolean {
  return trustedIps?.includes(callerIp) ?? true;
}

/** A token is good for its own app only. */
function assertOwn(agent: Agent, agentId: unknown): void {
  if (String(agentId) !== agent.agentId) throw new Refusal(301002);
}

/** A JS-API ticket of whom `owner` names, within the limits of an hour. */
function ticket(owner: (agent: Agent, call: HttpCall) => string): WecomHandler {
  return business((agent, call, platform, nowMs) => {
    const key = owner(agent, call);
    const limits = [
      platform.corpTickets.of(`${call.path} ${agent.corpId}`),
      platform.appTickets.of(`${call.path} ${agent.appId}`),
    ];
    if (!countAgainst(limits, nowMs)) throw new Refusal(45009);
    const { value, expiresAtMs } = platform.tickets.ticket(`${call.path} ${key}`, nowMs);
    const { repeatedLife, lifeMs } = platform.settings;
    const leftMs = repeatedLife === 'full' ? lifeMs : expiresAtMs - nowMs;
    return { ...OK, ticket: value, expires_in: Math.floor(leftMs / 1000) };
  });
}
