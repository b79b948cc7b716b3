import type { ErrorCode } from '../error-code.js';
import type { AppName, TokenRecord } from '../token.js';

/** What a caller or an operator did. Stable: people search for these. */
export type AuditAction =
  | 'token.read'
  | 'token.virtual'
  | 'token.report'
  | 'token.force'
  | 'events.open'
  | 'ticket.read'
  | 'ticket.sign'
  | 'login.begin'
  | 'login.exchange'
  | 'login.refresh'
  | 'login.userinfo'
  | 'login.tokens'
  | 'login.session_check'
  | 'login.session_key'
  | 'login.decrypt'
  | 'login.phone'
  | 'login.callback'
  | 'login.redeem'
  | 'login.logout'
  | 'gateway.call'
  | 'users.info'
  | 'console.sign_in'
  | 'console.sign_out'
  | 'console.probe'
  | 'access.refused'
  | 'secret.reloaded';

/** Where a request came from. */
export interface AuditOrigin {
  readonly requestId: string;
  /** The caller's address, as far as the proxies in front are trusted. */
  readonly remote: string;
  /** What that was worked out of, as `AuditTrail.isReadDue` gets it. Never shown: it may be a caller's own text. */
  readonly via?: string;
}

/** Who did what to which app, what came of it, and why. */
export interface AuditEntry {
  readonly action: AuditAction;
  /** The client's name; null while nobody knows who it is. */
  readonly client: string | null;
  /** The first 8 hex digits of the SHA-256 of the API key; left out where none was sent that is known. */
  readonly key?: string | undefined;
  /** The alias; null when none is meant. Never a caller's own text. */
  readonly app: AppName | null;
  /** Of the answer; null when nobody was answered. */
  readonly status: number | null;
  /** One stable word for what came of it or why: `rotated`, `unknown_key`, `missing_scope`. */
  readonly reason: string | null;
  /** What was handed out. The line names it by generation and hash, never by value. */
  readonly token?: Pick<TokenRecord, 'generation' | 'value'> | undefined;
  /** The user's openid. The line has its hash. */
  readonly openid?: string | undefined;
  /** What the platform had answered to the caller. */
  readonly errcode?: ErrorCode | undefined;
  /** What the person said that it is for; their own text. */
  readonly note?: string | undefined;
  /** The pattern of the route, where the action does not tell it. */
  readonly route?: string | undefined;
  /** Null: no request caused it. */
  readonly origin: AuditOrigin | null;
}

/** Who read, as the sampling of reads tells callers apart: a client that reads with two keys is two. */
export function readerOf(client: string | null, key: string | undefined): string {
  return `${client ?? ''} ${key ?? ''}`;
}

/** Who may what, as the audit stream has it at the start and after each reload: no key, no secret. */
export interface AuditedConfig {
  /** Of the file, in hex; null without a file. */
  readonly sha256: string | null;
  readonly apps: readonly string[];
  readonly clients: readonly AuditedClient[];
}

export interface AuditedClient {
  readonly name: string;
  readonly apps: readonly string[] | '*';
  readonly scopes: readonly string[];
  /** The first 8 hex digits of the SHA-256 of each API key. */
  readonly keys: readonly string[];
  /** `<issuer> <sub>` of JWTs. */
  readonly subjects?: readonly string[];
  readonly certificates?: readonly string[];
  /** What it may call through the gateway. */
  readonly gateway?: readonly string[];
  readonly virtual_tokens?: true;
}
