import { StoreUnavailableError } from '../../core/errors.js';
import type { AppName } from '../../core/token.js';
import { sha256 } from '../../core/login/handles.js';
import { readOpenLogin, readOutcome, readSession } from '../../core/login/read-stored.js';
import {
  LOGIN_TIMES,
  LoginStore,
  MAX_MISMATCHES,
  type BeginLogin,
  type BegunLogin,
  type CodeOutcome,
  type FinishLogin,
  type LoginIdentity,
  type OpenLogin,
  type UserSession,
} from '../../core/ports/login-store.js';
import { loginKey, tokenKey, type LoginKind } from './keys.js';
import { COMMAND_TIMEOUT_MS, type RedisConnection } from './redis-connection.js';
import { defineScripts, type LoginBeginReply } from './redis-scripts.js';
import type { TokenCipher } from './token-cipher.js';

const PHASES = { answered: 'a', refused: 'r', lost: 'l' } as const;
/** A code that nothing is claimed with. */
const NO_CODE = '-';

export interface RedisLoginStoreOptions {
  readonly keyPrefix: string;
  readonly cipher: TokenCipher;
}

/** One thing that is kept: its key, and what its sealed value is bound to. */
interface Place {
  readonly key: string;
  readonly binding: readonly string[];
}

/**
 * Logins in Redis. What a script has to compare stands beside the sealed value and holds no secret: phases, times, names of
 * clients, hashes. Each key ends in the hash of what it is found by, and has an end.
 */
export class RedisLoginStore extends LoginStore {
  /** For each app, whose keys lie on one node: the time there minus monotonic time, too small by as long as the last answer was on the way. */
  private readonly offsetsMs = new Map<AppName, number>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly options: RedisLoginStoreOptions,
    private readonly times = LOGIN_TIMES,
  ) {
    super();
    defineScripts(connection.client);
  }

  override async open(app: LoginIdentity, state: string, login: OpenLogin, lifeMs: number): Promise<void> {
    const { way, client, proof } = login;
    const place = this.place(app, 'state', state);
    const sealed = this.seal(place, login);
    await this.run((redis) =>
      redis.brokerLoginOpen(place.key, way, client, proof, sealed, Math.ceil(lifeMs), this.times.spentMs),
    );
  }

  override async begin(app: LoginIdentity, { check, claim }: BeginLogin): Promise<BegunLogin> {
    const state = this.place(app, 'state', check?.state ?? NO_CODE);
    const code = this.place(app, 'code', claim?.code ?? NO_CODE);
    const outcome = this.place(app, 'outcome', claim?.code ?? NO_CODE);
    const ask = (): Promise<LoginBeginReply> =>
      this.heard(app.name, (redis, untilMs) =>
        redis.brokerLoginBegin(
          state.key,
          code.key,
          outcome.key,
          check?.way ?? '',
          check?.client ?? '',
          check?.proof ?? '',
          claim ? sha256(claim.code) : NO_CODE,
          claim?.id ?? '',
          claim?.caller ?? '',
          Math.ceil(claim?.pendingMs ?? 0),
          this.times.spentMs,
          MAX_MISMATCHES,
          this.times.spentMs,
          untilMs,
        ),
      );
    const first = await ask();
    const reply = first[0] === 'late' ? await ask() : first;
    const [kind, nowMs, sealed] = reply;
    if (kind === 'late')
      throw new StoreUnavailableError('Redis ran a command when nobody waited for it any more');
    if (kind !== 'claimed' && kind !== 'known') return { kind, nowMs, login: null };
    const login = check && readOpenLogin(this.unseal(state, sealed));
    // Somebody wrote the state who has no key: it stands for nothing.
    if (check && (login?.way !== check.way || (check.client ?? login.client) !== login.client)) {
      return { kind: 'unknown', nowMs, login: null };
    }
    if (check && (check.proof ?? login?.proof) !== login?.proof)
      return { kind: 'unknown', nowMs, login: null };
    if (reply[0] !== 'known') return { kind: 'claimed', nowMs, login };
    return { ...this.known(reply, outcome), nowMs, login };
  }

  override async finish(
    app: LoginIdentity,
    { claim, outcome, session, sessionKey }: FinishLogin,
  ): Promise<void> {
    const code = this.place(app, 'code', claim.code);
    const told = this.place(app, 'outcome', claim.code);
    const user = this.place(app, 'session', session?.handle ?? NO_CODE);
    const key = this.place(app, 'key', sessionKey?.openid ?? NO_CODE);
    await this.run((redis) =>
      redis.brokerLoginFinish(
        code.key,
        told.key,
        user.key,
        key.key,
        claim.id,
        claim.caller,
        outcome ? PHASES[outcome.kind] : '',
        outcome && outcome.kind !== 'lost' ? this.seal(told, outcome) : '',
        outcome?.kind === 'refused' ? this.times.spentMs : this.times.repeatMs,
        this.times.spentMs,
        session ? this.seal(user, session.session) : '',
        lifeOf(session),
        Math.floor(sessionKey?.beganAtMs ?? 0),
        sessionKey ? this.seal(key, sessionKey.key) : '',
        lifeOf(sessionKey),
      ),
    );
  }

  override async session(
    app: LoginIdentity,
    handle: string,
  ): Promise<{ nowMs: number; session: UserSession | null }> {
    const place = this.place(app, 'session', handle);
    const [nowMs, sealed] = await this.run((redis) => redis.brokerLoginLoad(place.key));
    return { nowMs, session: readSession(this.unseal(place, sealed)) };
  }

  override async lockSession(
    app: LoginIdentity,
    handle: string,
    id: string,
    lifeMs: number,
  ): Promise<boolean> {
    const { key } = this.place(app, 'refresh', handle);
    return (await this.run((redis) => redis.set(key, id, 'PX', Math.ceil(lifeMs), 'NX'))) === 'OK';
  }

  override async saveSession(
    app: LoginIdentity,
    handle: string,
    id: string,
    change: { session: UserSession; lifeMs: number } | null,
  ): Promise<boolean> {
    const place = this.place(app, 'session', handle);
    const lock = this.place(app, 'refresh', handle);
    const sealed = change ? this.seal(place, change.session) : '';
    const reply = await this.run((redis) =>
      redis.brokerLoginSave(place.key, lock.key, id, sealed, lifeOf(change)),
    );
    return reply === 1;
  }

  override async endSession(app: LoginIdentity, handle: string): Promise<void> {
    await this.run((redis) => redis.del(this.place(app, 'session', handle).key));
  }

  override async sessionKey(app: LoginIdentity, openid: string): Promise<string | null> {
    const place = this.place(app, 'key', openid);
    const [, stored] = await this.run((redis) => redis.brokerLoginLoad(place.key));
    const key = this.unseal(place, stored.replace(/^\d+ /, ''));
    return typeof key === 'string' ? key : null;
  }

  override async noteToken(app: LoginIdentity, token: string, lifeMs: number): Promise<void> {
    const place = this.tokenPlace(token);
    const sealed = this.seal(place, { name: app.name, provider: app.provider, appId: app.appId });
    await this.run((redis) => redis.set(place.key, sealed, 'PX', Math.max(1, Math.ceil(lifeMs))));
  }

  override async appOfToken(apps: readonly LoginIdentity[], token: string): Promise<LoginIdentity | null> {
    const place = this.tokenPlace(token);
    const [, sealed] = await this.run((redis) => redis.brokerLoginLoad(place.key));
    const noted = this.unseal(place, sealed) as Partial<LoginIdentity> | null;
    const isNoted = ({ name, provider, appId }: LoginIdentity): boolean =>
      name === noted?.name && provider === noted.provider && appId === noted.appId;
    return apps.find(isNoted) ?? null;
  }

  private known(
    [, nowMs, , isSameCaller, phase, atMs, sealed]: Extract<
      LoginBeginReply,
      readonly ['known', ...unknown[]]
    >,
    place: Place,
  ):
    | { readonly kind: 'pending' }
    | { readonly kind: 'spent'; readonly byAnother: boolean }
    | { readonly kind: 'finished'; readonly outcome: CodeOutcome } {
    if (isSameCaller === 0) return { kind: 'spent', byAnother: true };
    if (phase === 'p') return { kind: 'pending' };
    const isLost = phase === 'l' && nowMs < atMs + this.times.repeatMs;
    const outcome = isLost ? ({ kind: 'lost' } as const) : readOutcome(this.unseal(place, sealed));
    return outcome && (phase === 'l') === (outcome.kind === 'lost')
      ? { kind: 'finished', outcome }
      : { kind: 'spent', byAnother: false };
  }

  private place({ name, provider, appId }: LoginIdentity, kind: LoginKind, secret: string): Place {
    const { keyPrefix } = this.options;
    const digest = sha256(secret);
    return {
      key: loginKey(keyPrefix, name, kind, digest),
      binding: ['login', kind, keyPrefix, name, provider, appId, digest],
    };
  }

  private tokenPlace(token: string): Place {
    const { keyPrefix } = this.options;
    const digest = sha256(token);
    return { key: tokenKey(keyPrefix, digest), binding: ['login', 'token', keyPrefix, digest] };
  }

  private seal({ binding }: Place, value: unknown): string {
    return this.options.cipher.seal(binding, JSON.stringify(value));
  }

  /** What JSON.parse gave, or null for what no broker with these keys sealed for this place. */
  private unseal({ binding }: Place, sealed: string): unknown {
    const opened = this.options.cipher.open(binding, sealed);
    if (opened.kind !== 'opened') return null;
    try {
      return JSON.parse(opened.text) as unknown;
    } catch {
      return null;
    }
  }

  /** A command that Redis has to run while it is waited for, or not at all: one that it runs later would use something up for nobody. */
  private async heard(
    app: AppName,
    command: (redis: RedisConnection['client'], untilMs: number) => Promise<LoginBeginReply>,
  ): Promise<LoginBeginReply> {
    const { connection, offsetsMs } = this;
    const offsetMs = offsetsMs.get(app);
    const untilMs =
      offsetMs === undefined ? 0 : Math.ceil(connection.monotonicMs() + offsetMs + COMMAND_TIMEOUT_MS);
    const reply = await this.run((redis) => command(redis, untilMs));
    offsetsMs.set(app, reply[1] - connection.monotonicMs());
    return reply;
  }

  private run<T>(command: (redis: RedisConnection['client']) => Promise<T>): Promise<T> {
    return this.connection.run(() => command(this.connection.client));
  }
}

function lifeOf(kept: { readonly lifeMs: number } | null | undefined): number {
  return Math.max(1, Math.ceil(kept?.lifeMs ?? 1));
}
