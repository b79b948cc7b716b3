import { errorCodeOf } from '../error-code.js';
import { isObject, type JsonObject } from '../json-object.js';
import { LOGIN_REFUSALS } from '../ports/login-provider.js';
import type {
  CodeOutcome,
  LoginAnswer,
  OpenLogin,
  SessionTokens,
  UserSession,
} from '../ports/login-store.js';

const MAX_TEXT = 16_384;
const MAX_SCOPES = 50;
const MAX_SECONDS = 400 * 24 * 3600;
const ID = /^[\x21-\x7e]{1,512}$/;
const TOKEN = /^[\x21-\x7e]{1,4096}$/;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const URI = /^https?:\/\/[^\s\\]{1,2000}$/;
const PROOF = /^[bv]:[\w-]{43}$/;
const HANDLE = /^tb[st]_[\w-]{52}$/;

// What a store gives back is input: another version wrote it, or a bug did. Each reader gives null for what cannot be
// right as a whole; every new field needs its line here. `stored` is what JSON.parse gave: anything.

export function readOpenLogin(stored: unknown): OpenLogin | null {
  const { way, client, proof, redirectUri, landing, answer } = fieldsOf(stored);
  if (way !== 'direct' && way !== 'hosted' && way !== 'ticket') return null;
  if (!isText(client, NAME) || !isText(proof, PROOF) || !isText(redirectUri, URI)) return null;
  if (landing !== null && !isText(landing, URI)) return null;
  const read = answer === null ? null : readAnswer(answer);
  if (answer !== null && !read) return null;
  return { way, client, proof, redirectUri, landing, answer: read };
}

export function readOutcome(stored: unknown): CodeOutcome | null {
  const { kind, answer, body, ticket, errcode, message, meaning } = fieldsOf(stored);
  if (kind === 'lost') return { kind };
  if (kind === 'refused') {
    const code = errorCodeOf(errcode);
    const known = LOGIN_REFUSALS.find((one) => one === meaning);
    return code !== null && known && isText(message)
      ? { kind, errcode: code, message, meaning: known }
      : null;
  }
  if (kind !== 'answered') return null;
  const read = answer === null ? null : readAnswer(answer);
  if ((answer !== null && !read) || (body !== null && !isText(body))) return null;
  return ticket === null || isText(ticket, HANDLE) ? { kind, answer: read, body, ticket } : null;
}

export function readSession(stored: unknown): UserSession | null {
  const { client, openid, scope, tokens, expiresAtMs, isOver } = fieldsOf(stored);
  const scopes = readScope(scope);
  if (!isText(client, NAME) || !isText(openid, ID) || !scopes || !isTime(expiresAtMs)) return null;
  const read = tokens === null ? null : readTokens(tokens);
  if ((tokens !== null && !read) || typeof isOver !== 'boolean') return null;
  return { client, openid, scope: scopes, tokens: read, expiresAtMs, isOver };
}

function readTokens(stored: unknown): SessionTokens | null {
  const { accessToken, expiresAtMs, refreshToken } = fieldsOf(stored);
  if (!isText(accessToken, TOKEN) || !isTime(expiresAtMs)) return null;
  return refreshToken === null || isText(refreshToken, TOKEN)
    ? { accessToken, expiresAtMs, refreshToken }
    : null;
}

function readAnswer(stored: unknown): LoginAnswer | null {
  const { openid, unionid, scope, snapshot, session, expiresInSeconds } = fieldsOf(stored);
  const scopes = readScope(scope);
  if (!isText(openid, ID) || !scopes || typeof snapshot !== 'boolean') return null;
  if (unionid !== undefined && !isText(unionid, ID)) return null;
  if (session !== null && !isText(session, HANDLE)) return null;
  if (!isTime(expiresInSeconds) || expiresInSeconds > MAX_SECONDS) return null;
  return { openid, unionid, scope: scopes, snapshot, session, expiresInSeconds };
}

function readScope(stored: unknown): readonly string[] | null {
  const isList = Array.isArray(stored) && stored.length <= MAX_SCOPES;
  return isList && stored.every((one): one is string => isText(one, ID)) ? stored : null;
}

function fieldsOf(stored: unknown): JsonObject {
  return isObject(stored) ? stored : {};
}

function isText(value: unknown, form = /^/): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT && form.test(value);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
