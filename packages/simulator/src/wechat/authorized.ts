import { consequencesOf } from './account-state.js';
import type { Account } from './account.js';
import type { IssuedToken } from '../issued-token.js';
import type { Platform } from './platform.js';
import { Refusal } from '../refusal.js';
import type { HttpCall } from '../read-call.js';

/**
 * The account whose token the call carries: 41001 without a token, 42001 when it has expired, 40001 for any other that is
 * not good; then 50002 for a blocked account and 48001 for an API it was not granted.
 */
export function authorized({ path, query }: HttpCall, platform: Platform, nowMs: number): Account {
  const value = query.get('access_token') ?? '';
  if (value === '') throw new Refusal(41001);
  const token = platform.ledger.find(value);
  const account = token && platform.account(token.appId);
  if (!account) throw new Refusal(40001);
  const fate = token.fateAt(nowMs);
  if (fate === 'expired') throw new Refusal(42001);
  if (fate !== 'valid' && !(platform.settings.flakyOverlap && slipsThrough(token, nowMs))) {
    throw new Refusal(40001);
  }
  const errcode = consequencesOf(account.state).atBusinessCalls;
  if (errcode) throw new Refusal(errcode);
  if (account.unauthorizedPaths.includes(path)) throw new Refusal(48001);
  return account;
}

/** As if one of two nodes had not heard yet that the token was overwritten. */
function slipsThrough(token: IssuedToken, nowMs: number): boolean {
  if (token.fateAt(nowMs) !== 'overwritten' || nowMs >= token.expiresAtMs) return false;
  token.lateTries++;
  return token.lateTries % 2 === 0;
}
