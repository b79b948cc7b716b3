import type { LoginOutcome, LoginSurface, UserGrant, UserTokens } from '../ports/login-provider.js';
import type {
  CodeClaim,
  CodeOutcome,
  FinishLogin,
  LoginAnswer,
  OpenLogin,
  UserSession,
} from '../ports/login-store.js';
import { newHandle } from './handles.js';
import type { LoginApp } from './login-app.js';
import { DAY_MS } from '../ports/clock.js';

/** WeChat says no life of a session_key. Nobody can tell sooner than by trying it, so this only bounds the storage. */
const MINI_PROGRAM_SESSION_MS = 3 * DAY_MS;
/** WeChat names no life of it; QQ's is longer, and its answer names it. */
const REFRESH_TOKEN_MS = 30 * DAY_MS;
const MAX_SESSION_MS = 180 * DAY_MS;

/** A user's token that was given away, and for how long it may come back. */
export interface GivenToken {
  readonly token: string;
  readonly lifeMs: number;
}

/** What is stored of an attempt, what was given away with it, and the ticket of a hosted one. */
export type ExchangeResult = FinishLogin & {
  readonly given: readonly GivenToken[];
  readonly ticket?: { readonly handle: string; readonly login: OpenLogin };
};

interface Attempt {
  readonly claim: CodeClaim;
  readonly client: string;
  /** `drop_in`: the caller gets the platform's own answer in place of a session. */
  readonly surface: LoginSurface;
  readonly login: OpenLogin | null;
  readonly beganAtMs: number;
  /** On the store's clock. */
  readonly nowMs: number;
}

/** What an attempt leaves behind: the outcome of the code and, where a user logged in, a session. */
export function resultOf(
  app: LoginApp,
  outcome: LoginOutcome<UserGrant>,
  { claim, client, surface, login, beganAtMs, nowMs }: Attempt,
): ExchangeResult {
  if (outcome.kind !== 'answered') return { claim, outcome: failureOf(outcome), given: [] };
  const { value: grant, body } = outcome;
  const { openid, sessionKey } = grant;
  const key = sessionKey !== undefined && {
    sessionKey: { openid, key: sessionKey, beganAtMs, lifeMs: MINI_PROGRAM_SESSION_MS },
  };
  if (surface === 'drop_in') {
    const given = grant.tokens ? givenTokens(grant.tokens) : [];
    return { claim, outcome: { kind: 'answered', answer: null, body, ticket: null }, ...key, given };
  }
  const lifeMs = grant.isSnapshot ? 0 : lifeOf(grant.tokens);
  const handle = grant.isSnapshot ? null : newHandle('tbs', app.name);
  const session = handle !== null && {
    session: { handle, session: sessionOf(grant, client, nowMs, lifeMs), lifeMs },
  };
  const answer = answerOf(grant, handle, lifeMs);
  const ticket = surface === 'hosted' && login ? ticketFor(app, login, answer) : null;
  return {
    claim,
    outcome: { kind: 'answered', answer, body: null, ticket: ticket?.handle ?? null },
    ...key,
    ...session,
    ...(ticket && { ticket }),
    given: [],
  };
}

function ticketFor(app: LoginApp, login: OpenLogin, answer: LoginAnswer) {
  return { handle: newHandle('tbt', app.name), login: { ...login, way: 'ticket', answer } } as const;
}

function failureOf(outcome: Exclude<LoginOutcome<UserGrant>, { kind: 'answered' }>): CodeOutcome | null {
  if (outcome.kind === 'not_sent') return null;
  // WeChat's -1 says that it failed, not where.
  if (outcome.kind === 'unknown' || outcome.meaning === 'outcome_unknown') return { kind: 'lost' };
  const { errcode, message, meaning } = outcome;
  return { kind: 'refused', errcode, message, meaning };
}

function answerOf(
  { openid, unionid, scope, isSnapshot }: UserGrant,
  session: string | null,
  lifeMs: number,
): LoginAnswer {
  return {
    openid,
    unionid,
    scope,
    snapshot: isSnapshot,
    session,
    expiresInSeconds: Math.floor(lifeMs / 1000),
  };
}

function sessionOf(
  { openid, scope, tokens }: UserGrant,
  client: string,
  nowMs: number,
  lifeMs: number,
): UserSession {
  return {
    client,
    openid,
    scope,
    tokens: tokens
      ? {
          accessToken: tokens.accessToken,
          expiresAtMs: nowMs + tokens.expiresInSeconds * 1000,
          refreshToken: tokens.refreshToken ?? null,
        }
      : null,
    expiresAtMs: nowMs + lifeMs,
    isOver: false,
  };
}

/** A session lives as long as its user's tokens can be had. */
function lifeOf(tokens: UserTokens | undefined): number {
  if (!tokens) return MINI_PROGRAM_SESSION_MS;
  const { refreshToken, refreshExpiresInSeconds, expiresInSeconds } = tokens;
  const refreshMs = refreshExpiresInSeconds === undefined ? REFRESH_TOKEN_MS : refreshExpiresInSeconds * 1000;
  return Math.min(MAX_SESSION_MS, refreshToken === undefined ? expiresInSeconds * 1000 : refreshMs);
}

export function givenTokens({
  accessToken,
  expiresInSeconds,
  refreshToken,
  refreshExpiresInSeconds,
}: UserTokens): GivenToken[] {
  const access = { token: accessToken, lifeMs: expiresInSeconds * 1000 };
  if (refreshToken === undefined) return [access];
  const lifeMs = refreshExpiresInSeconds === undefined ? REFRESH_TOKEN_MS : refreshExpiresInSeconds * 1000;
  return [access, { token: refreshToken, lifeMs }];
}
