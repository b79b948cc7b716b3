import type { RefreshDefaults } from '../../config/app.section.js';
import type { Deadline, IssuanceRule } from '../../core/ports/token-issuer.js';
import { NetworkFault } from '../http/network-fault.js';
import { PlatformApi } from '../http/platform-api.js';
import type { CredentialSpec, Ping, Platform } from '../platform.js';
import { explain, PASSING_ERRCODES } from './oauth-errors.js';
import { gatewayProfile } from './gateway-profile.js';
import { Oauth2Issuer } from './oauth2.issuer.js';
import { Oauth2Section } from './oauth2.section.js';
import { readTokenAnswer } from './token-answer.js';

/** What is left of a token that comes back the same until its end, when the broker begins to ask. */
const AHEAD_OF_THE_END_SECONDS = 10;
const AHEAD_SECONDS = 300;

/** Servers name no quota. A token of five minutes, as some have, is fetched 600 times a day. */
const DEFAULTS = { jitterSeconds: 20, dailyBudget: 5000, forcedDailyBudget: 100, verifyReports: false };

/** Any OAuth 2 authorization server with the client credentials grant. */
export const oauth2: Platform = {
  id: 'oauth2',
  section: Oauth2Section,
  quotaDayOffsetMs: 0,
  errors: { passing: PASSING_ERRCODES, explain },
  ping: pingTokenEndpoint,
  credentials: (app: Oauth2Section) => [token(app)],
  gateway: ({ gateway, tokenUrl }: Oauth2Section) => gateway && gatewayProfile(gateway.baseUrl, tokenUrl),
};

function token(app: Oauth2Section): CredentialSpec {
  const rule = ruleOf(app);
  const { tokenUrl, clientAuthentication, scope = null, parameters, defaultLifeSeconds } = app;
  return {
    id: 'token',
    rule,
    defaults: { ...DEFAULTS, aheadSeconds: aheadSeconds(app) } satisfies RefreshDefaults,
    issuer: ({ egress }) =>
      new Oauth2Issuer({
        api: new PlatformApi(tokenUrl, egress),
        clientAuthentication,
        scope,
        parameters,
        defaultLifeSeconds,
        rule,
      }),
  };
}

function ruleOf({ issuance, overlapSeconds, freshWithinSeconds }: Oauth2Section): IssuanceRule {
  const isRepeated = issuance === 'repeats' || issuance === 'renews';
  return {
    repeats: isRepeated ? { sameUntilMs: freshWithinSeconds * 1000 } : 'never',
    previous: issuance === 'replaces' ? { graceMs: overlapSeconds * 1000 } : 'stays_valid',
    renewsOnFetch: issuance === 'renews',
    canForce: false,
  };
}

/** Where tokens are repeated, asking earlier than the server has a new one brings nothing. */
function aheadSeconds({ issuance, freshWithinSeconds }: Oauth2Section): number {
  if (issuance !== 'repeats') return AHEAD_SECONDS;
  if (freshWithinSeconds === 0) return AHEAD_OF_THE_END_SECONDS;
  return Math.min(AHEAD_SECONDS, 0.9 * freshWithinSeconds);
}

/** A request that names no client, which a token endpoint answers with an error. It needs no secret and changes nothing. */
async function pingTokenEndpoint(api: PlatformApi, deadline: Deadline): Promise<Ping> {
  const data = new URLSearchParams({ grant_type: 'client_credentials' });
  const reply = await api.fetch({ method: 'POST', path: '', data }, deadline);
  if (reply.kind !== 'answered') return reply;
  const outcome = readTokenAnswer(reply, { defaultLifeSeconds: 1, isRepeated: false, clientSecret: '' });
  if (outcome.kind === 'refused') return { kind: 'answered', errcode: outcome.errcode };
  if (outcome.kind !== 'issued') return outcome;
  const text = 'The token endpoint gives a token to a request that names no client.';
  return { kind: 'unknown', cause: new NetworkFault('other', text) };
}
