import type { AppName } from '../../core/token.js';

/** What an API key may do; every route says which of them it asks for. */
export type Scope = 'token:read' | 'token:refresh' | 'token:admin' | 'ticket:read';

/** One caller of the broker, as configured. */
export interface ApiClient {
  readonly name: string;
  /** SHA-256 of each of its API keys, in hex. */
  readonly keySha256: readonly string[];
  readonly apps: readonly AppName[] | '*';
  readonly scopes: readonly Scope[];
  /** Bounds `expires_in` of the drop-in endpoints' answers. */
  readonly maxExpiresInSeconds?: number | null;
}
