import { hash } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.js';
import {
  LOGIN_TIMES,
  LoginStore,
  MAX_MISMATCHES,
  type BeginLogin,
  type BegunLogin,
  type CodeClaim,
  type CodeOutcome,
  type FinishLogin,
  type LoginIdentity,
  type OpenLogin,
  type StateCheck,
  type UserSession,
} from '../../core/ports/login-store.js';
import { ExpiringMap } from './memory-coordination.js';

/** Of each kind. A replica that is asked for more drops the oldest: a memory that fills up ends the whole broker. */
const MAX_ENTRIES = 100_000;

interface StoredState {
  readonly login: OpenLogin;
  readonly expiresAtMs: number;
  readonly mismatches: number;
  /** What it was used with; null while it is not used. */
  readonly usedFor: { readonly code: string } | null;
}

interface StoredCode {
  readonly id: string;
  readonly caller: string;
  /** Null while it is under way. */
  readonly outcome: CodeOutcome | null;
  /** When it ended, or will count as lost. */
  readonly atMs: number;
}

/** Logins in this process. Its clock is the wall clock at the start plus monotonic time. */
export class MemoryLoginStore extends LoginStore {
  private readonly states: ExpiringMap<StoredState>;
  private readonly codes: ExpiringMap<StoredCode>;
  private readonly sessions: ExpiringMap<UserSession>;
  private readonly locks: ExpiringMap<string>;
  private readonly keys: ExpiringMap<{ readonly key: string; readonly beganAtMs: number }>;
  private readonly tokens: ExpiringMap<string>;
  private readonly epochMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly times = LOGIN_TIMES,
    maxEntries = MAX_ENTRIES,
  ) {
    super();
    this.epochMs = clock.wallMs() - clock.monotonicMs();
    const map = <Value>(): ExpiringMap<Value> => new ExpiringMap(clock, maxEntries);
    this.states = map();
    this.codes = map();
    this.sessions = map();
    this.locks = map();
    this.keys = map();
    this.tokens = map();
  }

  override async open(app: LoginIdentity, state: string, login: OpenLogin, lifeMs: number): Promise<void> {
    const stored = { login, expiresAtMs: this.nowMs() + lifeMs, mismatches: 0, usedFor: null };
    this.states.set(keyOf(app, state), stored, lifeMs + this.times.spentMs);
  }

  override async begin(app: LoginIdentity, { check, claim }: BeginLogin): Promise<BegunLogin> {
    const nowMs = this.nowMs();
    const used = check && this.use(app, check, claim);
    if (used && 'kind' in used) return { kind: used.kind, login: null, nowMs };
    const login = used?.login ?? null;
    return claim ? { ...this.claim(app, claim, used), login, nowMs } : { kind: 'claimed', login, nowMs };
  }

  override async finish(
    app: LoginIdentity,
    { claim, outcome, session, sessionKey }: FinishLogin,
  ): Promise<void> {
    const key = keyOf(app, claim.code);
    const stored = this.codes.get(key);
    const { id, caller } = claim;
    if (!stored || stored.id === id) {
      if (outcome) this.codes.set(key, { id, caller, outcome, atMs: this.nowMs() }, this.times.spentMs);
      else this.codes.delete(key);
    }
    if (session) this.sessions.set(keyOf(app, session.handle), session.session, session.lifeMs);
    if (!sessionKey) return;
    const user = keyOf(app, sessionKey.openid);
    if ((this.keys.get(user)?.beganAtMs ?? 0) > sessionKey.beganAtMs) return;
    this.keys.set(user, sessionKey, sessionKey.lifeMs);
  }

  override async session(
    app: LoginIdentity,
    handle: string,
  ): Promise<{ nowMs: number; session: UserSession | null }> {
    return { nowMs: this.nowMs(), session: this.sessions.get(keyOf(app, handle)) ?? null };
  }

  override async lockSession(
    app: LoginIdentity,
    handle: string,
    id: string,
    lifeMs: number,
  ): Promise<boolean> {
    const key = keyOf(app, handle);
    if (this.locks.get(key) !== undefined) return false;
    this.locks.set(key, id, lifeMs);
    return true;
  }

  override async saveSession(
    app: LoginIdentity,
    handle: string,
    id: string,
    change: { session: UserSession; lifeMs: number } | null,
  ): Promise<boolean> {
    const key = keyOf(app, handle);
    if (this.locks.get(key) !== id) return false;
    if (change && this.sessions.get(key)) this.sessions.set(key, change.session, change.lifeMs);
    this.locks.delete(key);
    return true;
  }

  override async endSession(app: LoginIdentity, handle: string): Promise<void> {
    this.sessions.delete(keyOf(app, handle));
  }

  override async sessionKey(app: LoginIdentity, openid: string): Promise<string | null> {
    return this.keys.get(keyOf(app, openid))?.key ?? null;
  }

  override async noteToken({ name }: LoginIdentity, token: string, lifeMs: number): Promise<void> {
    this.tokens.set(hash('sha256', token), name, lifeMs);
  }

  override async appOfToken(apps: readonly LoginIdentity[], token: string): Promise<LoginIdentity | null> {
    const name = this.tokens.get(hash('sha256', token));
    return apps.find((app) => app.name === name) ?? null;
  }

  /** What the state stands for, used up now or before with the same code; or why it cannot be used. */
  private use(
    app: LoginIdentity,
    { state, way, client, proof }: StateCheck,
    claim: CodeClaim | null,
  ): StoredState | { readonly kind: 'unknown' | 'expired' | 'mismatch' | 'used' } {
    const key = keyOf(app, state);
    const stored = this.states.get(key);
    if (stored?.login.way !== way || (client !== null && stored.login.client !== client))
      return { kind: 'unknown' };
    const isProven = proof === null || stored.login.proof === proof;
    const keep = (change: Partial<StoredState>): StoredState => {
      const changed = { ...stored, ...change };
      this.states.set(key, changed, stored.expiresAtMs - this.nowMs() + this.times.spentMs);
      return changed;
    };
    if (stored.usedFor) return isProven && stored.usedFor.code === claim?.code ? stored : { kind: 'used' };
    if (this.nowMs() >= stored.expiresAtMs) return { kind: 'expired' };
    if (isProven) {
      keep({ usedFor: { code: claim?.code ?? '' } });
      return stored;
    }
    const mismatches = stored.mismatches + 1;
    keep({ mismatches, usedFor: mismatches < MAX_MISMATCHES ? null : { code: '' } });
    return { kind: 'mismatch' };
  }

  private claim(
    app: LoginIdentity,
    claim: CodeClaim,
    used: StoredState | null,
  ):
    | { readonly kind: 'claimed' | 'pending' | 'expired' }
    | { readonly kind: 'spent'; readonly byAnother: boolean }
    | { readonly kind: 'finished'; readonly outcome: CodeOutcome } {
    const nowMs = this.nowMs();
    const key = keyOf(app, claim.code);
    const stored = this.codes.get(key);
    if (!stored) {
      // It was used before, and the code given back.
      if (used && nowMs >= used.expiresAtMs) return { kind: 'expired' };
      const { id, caller, pendingMs } = claim;
      this.codes.set(
        key,
        { id, caller, outcome: null, atMs: nowMs + pendingMs },
        pendingMs + this.times.spentMs,
      );
      return { kind: 'claimed' };
    }
    if (stored.caller !== claim.caller) return { kind: 'spent', byAnother: true };
    if (!stored.outcome && nowMs < stored.atMs) return { kind: 'pending' };
    const outcome = stored.outcome ?? { kind: 'lost' };
    const isTold = outcome.kind === 'refused' || nowMs < stored.atMs + this.times.repeatMs;
    return isTold ? { kind: 'finished', outcome } : { kind: 'spent', byAnother: false };
  }

  private nowMs(): number {
    return this.epochMs + this.clock.monotonicMs();
  }
}

function keyOf({ name, provider, appId }: LoginIdentity, secret: string): string {
  return hash('sha256', JSON.stringify([name, provider, appId, secret]));
}
