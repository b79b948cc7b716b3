import { StoreUnavailableError } from '../errors.js';
import type { JsonObject } from '../json-object.js';
import { sleep } from '../ports/clock.js';
import type { LoginRefusal } from '../ports/login-provider.js';
import type { SessionTokens, UserSession } from '../ports/login-store.js';
import type { AppName } from '../token.js';
import { SingleFlight } from '../refresh/scheduler.js';
import { givenTokens } from './exchange-result.js';
import { newAttempt, tagIn } from './handles.js';
import type { LoginApp, LoginApps } from './login-app.js';
import { callInTime, refreshTokens, type LoginPorts } from './login-call.js';
import { LoginError } from './login-error.js';
import { answered } from './refusal-error.js';
import { PendingSessions } from './pending-sessions.js';
import { storedInTime } from './stored-in-time.js';

/** A token that ends sooner is renewed before it is used. */
const EARLY_MS = 60_000;
const LOCK_MARGIN_MS = 2000;
const POLL_MS = 50;
/** What a platform may say of a refresh token that it will never take again. */
const ENDS_GRANT: ReadonlySet<LoginRefusal> = new Set([
  'reauthorize_required',
  'token_dead',
  'code_invalid',
  'code_used',
  'code_expired',
]);

/** Who asks, and the session that it was given. */
export interface SessionRequest {
  readonly client: string;
  readonly session: string;
  /** Told whose session it is as soon as that is known, for the audit trail. */
  readonly found?: (user: { readonly app: AppName; readonly openid: string }) => void;
}

export interface FoundSession {
  readonly app: LoginApp;
  readonly handle: string;
  readonly session: UserSession;
  /** Of the store. */
  readonly nowMs: number;
}

/** What a client gets that may have the user's own tokens. */
export interface RawTokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly expiresInSeconds: number;
  readonly openid: string;
  readonly scope: readonly string[];
}

/**
 * The users who are logged in. Their tokens stay here. A token that ends is renewed by one replica at a time, and stored
 * before anybody gets it: QQ takes a refresh token once, and who loses its successor has lost the grant.
 */
export class UserSessions {
  private readonly renewals = new SingleFlight<string, FoundSession>();
  private readonly pending: PendingSessions;

  constructor(
    private readonly apps: LoginApps,
    private readonly ports: LoginPorts,
  ) {
    this.pending = new PendingSessions(ports);
  }

  /**
   * @param ownLock the id under which the caller has the right to refresh the session
   * @throws LoginError `session_unknown`
   */
  async find({ client, session: handle, found }: SessionRequest, ownLock?: string): Promise<FoundSession> {
    const app = this.apps.ofHandle(tagIn(handle, 'tbs'));
    if (!app) throw new LoginError('session_unknown');
    await this.pending.flush(handle, ownLock);
    const { nowMs, session } = await this.ports.store.session(app, handle);
    if (session?.client !== client || nowMs >= session.expiresAtMs) throw new LoginError('session_unknown');
    found?.({ app: app.name, openid: session.openid });
    return { app, handle, session, nowMs };
  }

  /** All that the platform says of the user. */
  async profile(request: SessionRequest & { readonly lang?: string | undefined }): Promise<JsonObject> {
    const found = await this.find(request);
    const living = await this.withLivingToken(found);
    const first = await this.askProfile(living, request.lang);
    if (first.kind !== 'refused' || first.meaning !== 'token_dead') return answered(living.app, first);
    // The platform ended the token before its time; one that was renewed just now is not renewed again.
    if (living !== found) throw new LoginError('reauthorize_required', { errcode: first.errcode });
    const renewed = await this.renew(living);
    return answered(renewed.app, await this.askProfile(renewed, request.lang));
  }

  /** The user's own tokens, which may be used at the drop-in endpoints from then on. */
  async tokens(request: SessionRequest): Promise<RawTokens> {
    const { app, session, nowMs } = await this.withLivingToken(await this.find(request));
    const { accessToken, refreshToken, expiresAtMs } = tokensOf(session);
    const expiresInSeconds = Math.floor((expiresAtMs - nowMs) / 1000);
    const given = { accessToken, expiresInSeconds, refreshToken: refreshToken ?? undefined };
    await Promise.all(
      givenTokens(given).map(({ token, lifeMs }) => this.ports.store.noteToken(app, token, lifeMs)),
    );
    const { openid, scope } = session;
    return { accessToken, refreshToken, expiresInSeconds, openid, scope };
  }

  /** Ends the session here. The platform keeps the grant, since it has no call to end it. */
  async end(request: SessionRequest): Promise<void> {
    const { app, handle } = await this.find(request);
    await this.ports.store.endSession(app, handle);
  }

  /** As `PendingSessions.flushAll`. */
  flush(limitMs: number): Promise<void> {
    return this.pending.flushAll(limitMs);
  }

  private async withLivingToken(found: FoundSession): Promise<FoundSession> {
    const { session, nowMs } = found;
    const { expiresAtMs } = tokensOf(session);
    if (session.isOver) throw new LoginError('reauthorize_required');
    return nowMs < expiresAtMs - EARLY_MS ? found : this.renew(found);
  }

  private askProfile({ app, session }: FoundSession, lang?: string) {
    const profile = app.login.profile?.bind(app.login);
    if (!profile) throw new LoginError('wrong_app_type');
    const { accessToken } = tokensOf(session);
    const { openid } = session;
    const request = { accessToken, openid, lang };
    return callInTime(app, this.ports, (deadline) => profile(app.appId, request, deadline));
  }

  private renew(found: FoundSession): Promise<FoundSession> {
    return this.renewals.run(found.handle, () => this.renewOnce(found));
  }

  /** Waits for the replica that renews it, or is that one. */
  private async renewOnce(found: FoundSession): Promise<FoundSession> {
    const { store, clock } = this.ports;
    const { app, handle } = found;
    if (this.pending.isFull) throw new StoreUnavailableError('too many renewed sessions wait to be stored');
    const id = newAttempt();
    const lockMs = app.timeoutMs + LOCK_MARGIN_MS;
    const giveUpMonoMs = clock.monotonicMs() + lockMs;
    for (;;) {
      const isLocked = await store.lockSession(app, handle, id, lockMs);
      // Another replica may have renewed it between our look and our lock.
      const request = { client: found.session.client, session: handle };
      const newest = await this.find(request, isLocked ? id : undefined);
      if (isRenewed(found, newest) || newest.session.isOver) {
        if (isLocked) await store.saveSession(app, handle, id, null);
        if (newest.session.isOver) throw new LoginError('reauthorize_required');
        return newest;
      }
      if (isLocked) return this.refreshAndStore(newest, id);
      if (clock.monotonicMs() >= giveUpMonoMs)
        throw new LoginError('upstream_unavailable', { retryAfterSeconds: 1 });
      await sleep(clock, POLL_MS);
    }
  }

  private async refreshAndStore(found: FoundSession, id: string): Promise<FoundSession> {
    const { store, clock } = this.ports;
    const { app, handle, session, nowMs } = found;
    const { refreshToken } = tokensOf(session);
    const askedMonoMs = clock.monotonicMs();
    const outcome = refreshToken === null ? null : await refreshTokens(app, this.ports, refreshToken);
    if (!outcome) {
      await store.saveSession(app, handle, id, null);
      throw new LoginError('reauthorize_required');
    }
    const storeNowMs = nowMs + clock.monotonicMs() - askedMonoMs;
    if (outcome.kind === 'answered') {
      const { accessToken, expiresInSeconds, refreshToken: next, refreshExpiresInSeconds } = outcome.value;
      const renewed = {
        ...session,
        tokens: {
          accessToken,
          expiresAtMs: storeNowMs + expiresInSeconds * 1000,
          refreshToken: next ?? refreshToken,
        },
        expiresAtMs:
          refreshExpiresInSeconds === undefined
            ? session.expiresAtMs
            : storeNowMs + refreshExpiresInSeconds * 1000,
      };
      const endMonoMs = clock.monotonicMs() + renewed.expiresAtMs - storeNowMs;
      await this.pending.store({ app, handle, id, before: session, session: renewed, endMonoMs });
      return { app, handle, session: renewed, nowMs: storeNowMs };
    }
    if (outcome.kind === 'refused' && ENDS_GRANT.has(outcome.meaning)) {
      // An earlier holder of the lease may have stored the successor of the token that was refused.
      const newest = await this.find({ client: session.client, session: handle }, id);
      if (isRenewed(found, newest)) {
        await store.saveSession(app, handle, id, null);
        return newest;
      }
      const over = { session: { ...session, isOver: true }, lifeMs: session.expiresAtMs - storeNowMs };
      const isSaved = await storedInTime(clock, () => store.saveSession(app, handle, id, over));
      // Another replica has the right by now, and finds out itself.
      if (!isSaved) throw new LoginError('upstream_unavailable', { retryAfterSeconds: 1 });
      throw new LoginError('reauthorize_required', { errcode: outcome.errcode });
    }
    await store.saveSession(app, handle, id, null);
    answered(app, outcome);
    return found;
  }
}

function isRenewed(before: FoundSession, after: FoundSession): boolean {
  return tokensOf(before.session).expiresAtMs !== tokensOf(after.session).expiresAtMs;
}

/** @throws LoginError `wrong_app_type` for a mini program's session */
function tokensOf({ tokens }: UserSession): SessionTokens {
  if (!tokens) throw new LoginError('wrong_app_type');
  return tokens;
}
