import { StoreUnavailableError } from '../errors.js';
import { type Clock, sleep } from '../ports/clock.js';
import type { LoginOutcome, LoginSurface, UserGrant } from '../ports/login-provider.js';
import {
  type BegunLogin,
  type CodeClaim,
  type CodeOutcome,
  type FinishLogin,
  LOGIN_TIMES,
  type LoginIdentity,
  type LoginStore,
  type OpenLogin,
  type StateCheck,
} from '../ports/login-store.js';
import { SingleFlight } from '../refresh/scheduler.js';
import { type ExchangeResult, resultOf } from './exchange-result.js';
import { newAttempt, sha256 } from './handles.js';
import type { LoginApp } from './login-app.js';
import { callWithSecret, type LoginPorts } from './login-call.js';
import { storedInTime } from './stored-in-time.js';

/** The claimant of a code has this long, beside the call itself, before it is taken for dead. */
const MARGIN_MS = 2000;
/** After a longer pause between claim and call nothing is sent: by then others may have been told that it was. */
const MAX_UNSENT_MS = 1000;
const POLL_MS = 50;
const TICKET_MS = 60_000;

/** Who brings a code, and how. Only a drop-in exchange may go on without the store. */
export interface ExchangeRequest {
  readonly surface: LoginSurface;
  readonly code: string;
  /** Null at the hosted callback: it is the one that the state was given to. */
  readonly client: string | null;
  /** Null for codes that come without a state. */
  readonly check: StateCheck | null;
}

/** What came of it. `login`: what the state stands for. */
export type Exchanged = { readonly login: OpenLogin | null } & (
  | CodeOutcome
  | { readonly kind: 'not_sent'; readonly cause: Error }
  | { readonly kind: 'spent'; readonly byAnother: boolean }
  | { readonly kind: 'unknown' | 'expired' | 'mismatch' | 'used' }
);

/**
 * Sends each code to the platform once, whoever brings it and how often, over all replicas. A code is claimed in the store
 * before it is sent, and what became of it is stored before anybody is told. Whoever comes with the same code meanwhile
 * waits and is told the same. A replica that dies in between leaves a claim that runs out, and then the code counts as
 * spent: whether the platform ever saw it, nobody knows.
 */
export class CodeExchange {
  private readonly flights = new SingleFlight<string, Exchanged>();
  private readonly own: OwnLedger;

  constructor(private readonly ports: LoginPorts) {
    this.own = new OwnLedger(ports.ownStore, ports.clock);
  }

  /** @throws StoreUnavailableError unless it is a drop-in exchange */
  run(app: LoginApp, request: ExchangeRequest): Promise<Exchanged> {
    const { surface, client, check, code } = request;
    const caller = sha256(JSON.stringify([surface, client, check?.state]));
    const key = sha256(JSON.stringify([app.name, caller, check?.proof, code]));
    if (this.flights.isRunning(key)) this.repeated(app);
    return this.flights.run(key, () => this.claimAndSend(app, request, caller));
  }

  private async claimAndSend(app: LoginApp, request: ExchangeRequest, caller: string): Promise<Exchanged> {
    const { clock } = this.ports;
    const pendingMs = app.timeoutMs + MARGIN_MS;
    const claim: CodeClaim = { code: request.code, id: newAttempt(), caller, pendingMs };
    const giveUpMonoMs = clock.monotonicMs() + pendingMs;
    for (let isFirst = true; ; isFirst = false) {
      const askedMonoMs = clock.monotonicMs();
      const begun = await this.begin(app, request, claim, isFirst);
      if (begun.kind === 'claimed') return this.send(app, request, claim, begun, askedMonoMs);
      const isRepeat = begun.kind === 'pending' || begun.kind === 'finished' || begun.kind === 'spent';
      if (isFirst && isRepeat) this.repeated(app);
      if (begun.kind === 'finished') return { ...begun.outcome, login: begun.login };
      if (begun.kind !== 'pending') return begun;
      if (clock.monotonicMs() >= giveUpMonoMs) return { kind: 'lost', login: begun.login };
      await sleep(clock, POLL_MS);
    }
  }

  private async begin(
    app: LoginApp,
    { surface, check }: ExchangeRequest,
    claim: CodeClaim,
    isFirst: boolean,
  ): Promise<BegunLogin> {
    if (this.own.knows(app, claim.code)) {
      if (surface === 'drop_in') return this.own.begin(app, claim);
      return { kind: 'spent', byAnother: true, login: null, nowMs: 0 };
    }
    try {
      return await this.ports.store.begin(app, check ? { check, claim } : { check, claim });
    } catch (error) {
      // What another replica has sent is not sent again because the store went away meanwhile.
      if (surface !== 'drop_in' || !isFirst || !(error instanceof StoreUnavailableError)) throw error;
      return this.own.begin(app, claim);
    }
  }

  private async send(
    app: LoginApp,
    request: ExchangeRequest,
    claim: CodeClaim,
    { login, nowMs }: BegunLogin,
    askedMonoMs: number,
  ): Promise<Exchanged> {
    const { clock } = this.ports;
    const outcome = await this.call(app, request, login?.redirectUri ?? null, askedMonoMs);
    const result = resultOf(app, outcome, {
      claim,
      client: request.client ?? login?.client ?? '',
      surface: request.surface,
      login,
      beganAtMs: nowMs,
      nowMs: nowMs + clock.monotonicMs() - askedMonoMs,
    });
    const isStored = await this.finish(app, request, result);
    if (outcome.kind === 'not_sent' || !result.outcome) return { ...outcome, login } as Exchanged;
    // Nobody could use a session that no replica knows.
    return isStored || !result.session ? { ...result.outcome, login } : { kind: 'lost', login };
  }

  private async call(
    app: LoginApp,
    { surface, code }: ExchangeRequest,
    redirectUri: string | null,
    askedMonoMs: number,
  ): Promise<LoginOutcome<UserGrant>> {
    const { clock, events } = this.ports;
    const startMonoMs = clock.monotonicMs();
    if (startMonoMs - askedMonoMs > MAX_UNSENT_MS) {
      return { kind: 'not_sent', cause: new Error('this process stood still after it had claimed the code') };
    }
    const outcome = await callWithSecret(app, clock, (credentials, deadline) =>
      app.login.exchange(credentials, { code, redirectUri }, deadline),
    );
    events.emit({
      app: app.name,
      kind: 'login_exchanged',
      surface,
      outcome: outcome.kind,
      durationMs: clock.monotonicMs() - startMonoMs,
      ...whyOf(outcome),
    });
    return outcome;
  }

  /** Returns whether all of it is stored. Tokens are noted first, so that they can be used as soon as they are answered. */
  private async finish(
    app: LoginApp,
    { surface }: ExchangeRequest,
    result: ExchangeResult,
  ): Promise<boolean> {
    const { store, ownStore, clock } = this.ports;
    const { given, ticket, claim } = result;
    if (!this.own.knows(app, claim.code)) {
      try {
        await storedInTime(clock, async () => {
          await Promise.all(given.map(({ token, lifeMs }) => store.noteToken(app, token, lifeMs)));
          if (ticket) await store.open(app, ticket.handle, ticket.login, TICKET_MS);
          await store.finish(app, result);
        });
        return true;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
      }
    }
    if (surface !== 'drop_in') return false;
    await Promise.all(given.map(({ token, lifeMs }) => ownStore.noteToken(app, token, lifeMs)));
    await this.own.finish(app, result);
    return false;
  }

  private repeated(app: LoginApp): void {
    this.ports.events.emit({ app: app.name, kind: 'login_code_repeated' });
  }
}

function whyOf(outcome: LoginOutcome<UserGrant>) {
  const none = { meaning: null, errcode: null, message: null, remedy: null };
  if (outcome.kind === 'answered') return none;
  if (outcome.kind !== 'refused') return { ...none, message: outcome.cause.message };
  const { meaning, errcode, message, remedy } = outcome;
  return { meaning, errcode, message, remedy };
}

/** More codes in ten minutes than a replica exchanges while the store is away. */
const MAX_CODES = 500_000;

/**
 * The codes that this replica has spent while the store was away. It knows them for as long as the store would have, so
 * that none is sent again when the store is back; other replicas do not.
 */
export class OwnLedger {
  private readonly untilMonoMs = new Map<string, number>();

  constructor(
    private readonly store: LoginStore,
    private readonly clock: Clock,
  ) {}

  knows(app: LoginIdentity, code: string): boolean {
    if (this.untilMonoMs.size === 0) return false;
    return (this.untilMonoMs.get(keyOf(app, code)) ?? 0) > this.clock.monotonicMs();
  }

  begin(app: LoginIdentity, claim: CodeClaim): Promise<BegunLogin> {
    this.note(app, claim);
    return this.store.begin(app, { check: null, claim });
  }

  finish(app: LoginIdentity, result: FinishLogin): Promise<void> {
    this.note(app, result.claim);
    return this.store.finish(app, result);
  }

  private note(app: LoginIdentity, { code, pendingMs }: CodeClaim): void {
    const nowMonoMs = this.clock.monotonicMs();
    for (const [key, untilMonoMs] of this.untilMonoMs) {
      if (untilMonoMs > nowMonoMs && this.untilMonoMs.size < MAX_CODES) break;
      this.untilMonoMs.delete(key);
    }
    const key = keyOf(app, code);
    // The last one to end stands last.
    this.untilMonoMs.delete(key);
    this.untilMonoMs.set(key, nowMonoMs + pendingMs + LOGIN_TIMES.spentMs);
  }
}

function keyOf({ name }: LoginIdentity, code: string): string {
  return sha256(JSON.stringify([name, code]));
}
