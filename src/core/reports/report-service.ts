import type { ErrorCode } from '../error-code.js';
import { BrokerError } from '../errors.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import { sleep } from '../ports/clock.js';
import { type ProbeOutcome, remedyOf } from '../ports/token-issuer.js';
import { type BudgetName, type Charge, dayStart } from '../refresh/budgets.js';
import type { RefreshResult } from '../refresh/refresh.js';
import type { TokenManager } from '../refresh/token-manager.js';
import { fingerprint, type HeldToken, isSameValue, type TokenRecord } from '../token.js';
import { ForeignFetch, GuessPace, TokenProbe } from './probe.js';
import {
  type ReportAnswer,
  Reporters,
  type ReportReason,
  type ReportResult,
  type TokenReport,
} from './token-report.js';

/** A token that was fetched because of a report is not replaced because of another report for this long. */
const RECENT_MS = 30_000;
const PROBE_CACHE_MS = 10_000;
/** Somebody waits for a token, which in all likelihood is good. */
const GUESS_TIMEOUT_MS = 2000;
/** For a client that was often wrong: longer than usual, but not so long that nobody hears of a token that did die. */
const MISTRUSTED_PROBE_CACHE_MS = 60_000;

/**
 * How sure the broker is that a reported token is dead. `refused`: the platform refused it to a probe; `believed`: no
 * probe gave an answer, but two clients reported it, or reports are not verified; `unproven`: one client says so.
 */
type Verdict = 'refused' | 'believed' | 'unproven' | 'alive';

const OFTEN_WRONG =
  "The platform accepted what this client reported as refused 5 times within 10 minutes. Until that has passed its reports are answered from the last minute's look at the platform, and count nothing where the platform gives no answer. Report a token only when the platform refused that very token.";

/** What a person is told who had a token tried. */
export interface TokenTest {
  readonly outcome: ProbeOutcome;
  readonly errcode: ErrorCode | null;
  readonly message: string | null;
  /** What to do where there was no clear answer, as far as something can be done. */
  readonly remedy: string | null;
}

/** Answers callers' reports of one app, so that a wrong or late one costs nothing and a right one costs one fetch. */
export class ReportService {
  private readonly probe: TokenProbe;
  /** Its own: a guess that found the token alive must not answer a report of the next seconds. */
  private readonly guessProbe: TokenProbe;
  private readonly guessPace = new GuessPace();
  private readonly foreignFetch: ForeignFetch;
  private readonly reporters = new Reporters();

  constructor(
    private readonly manager: TokenManager,
    private readonly ports: BrokerPorts,
  ) {
    this.probe = new TokenProbe(manager.app, ports);
    this.guessProbe = new TokenProbe(manager.app, ports);
    this.foreignFetch = new ForeignFetch(manager.app.name, manager.memory, ports);
  }

  /** Throws `BrokerError`: `not_a_token_error`, `upstream_unavailable`, `upstream_rejected`. */
  async handle(report: TokenReport): Promise<ReportAnswer> {
    const startMonoMs = this.ports.clock.monotonicMs();
    try {
      const answer = await this.decide(report);
      const isWrongGuess = report.isGuess && answer.kind === 'answered' && answer.reason === 'still_valid';
      if (!isWrongGuess) {
        this.emit(report, startMonoMs, answer.kind === 'answered' ? answer.reason : answer.kind);
      }
      return answer;
    } catch (error) {
      if (error instanceof BrokerError) this.emit(report, startMonoMs, error.code);
      throw error;
    }
  }

  private emit(report: TokenReport, startMonoMs: number, result: ReportResult): void {
    this.ports.events.emit({
      app: this.manager.app.name,
      kind: 'reported',
      result,
      errcode: report.errcode ?? null,
      caller: report.caller,
      generation: report.generation ?? null,
      fingerprint: report.accessToken === undefined ? null : fingerprint(report.accessToken),
      durationMs: this.ports.clock.monotonicMs() - startMonoMs,
      ...(report.force && { forced: { why: report.why ?? null } }),
    });
  }

  /**
   * Tries the current token at the platform because a person wants to know. One that is dead is reported in the name of who
   * asked, and so replaced; that is not waited for.
   *
   * @throws BrokerError `no_token_yet`, `token_expired`, `held_elsewhere`
   */
  async test(caller: string): Promise<TokenTest> {
    const { memory, diagnosis, app } = this.manager;
    await this.manager.tryFound();
    const token = memory.livingToken;
    if (!token) throw diagnosis.noToken();
    const timeoutMs = app.refresh.upstreamTimeoutMs;
    const tried = await this.probe.try(token.record, { cacheMs: 0, timeoutMs, caller });
    const { outcome, errcode = null, message = null, fault } = tried;
    if (outcome === 'accepted') memory.reported.markAlive(token);
    if (outcome === 'rejected') {
      const { generation } = token.record;
      this.handle({ caller, generation, force: false }).catch(() => undefined);
    }
    const isExplained = outcome === 'no_answer' && (errcode !== null || fault !== undefined);
    const why = { errcode, message: message ?? '', fault };
    return { outcome, errcode, message, remedy: isExplained ? remedyOf(app.issuer, why) : null };
  }

  private async decide(report: TokenReport): Promise<ReportAnswer> {
    const isGuess = this.isGuess(report);
    const { memory } = this.manager;
    if ((report.generation ?? 0) > memory.generation) await this.manager.reconcile();
    await this.manager.tryFound();
    const reported = memory.livingToken;
    if (!reported) return this.rotate(report, null, 'unproven');
    if (report.force) return this.rotate(report, reported, 'believed');
    if (!names(report, reported)) return answered('already_rotated', reported);
    if ((this.manager.memory.reported.knownDead?.waitMs ?? 0) > 0)
      throw this.manager.diagnosis.returnedDead();
    if (!isGuess && this.recentMs(reported) > 0) return this.recent(report, reported);
    if (this.manager.isStopping) {
      if (isGuess) return answered('still_valid', reported);
      throw this.manager.diagnosis.stopping();
    }
    const verdict = await (isGuess ? this.guess(reported) : this.verdict(report.caller, reported));
    if (verdict === 'alive') {
      const isOftenWrong = this.reporters.isOftenWrong(report.caller, this.ports.clock.monotonicMs());
      return { ...answered('still_valid', reported), ...(isOftenWrong && !isGuess && { note: OFTEN_WRONG }) };
    }
    if (this.recentMs(reported) > 0) return this.recent(report, reported);
    const emitEarlyDeath = verdict === 'refused' ? this.foreignFetch.examine(reported) : null;
    const answer = await this.rotate(report, reported, verdict);
    emitEarlyDeath?.();
    return answer;
  }

  /** Nobody says that the token is dead: it is only tried. Throws for an error that is not about it. */
  private isGuess(report: TokenReport): boolean {
    if (report.errcode === undefined || report.force) return report.isGuess ?? false;
    const advice = this.manager.app.issuer.explain(report.errcode);
    if (advice.curedByNewToken !== 'no') return advice.curedByNewToken === 'perhaps';
    throw new BrokerError(
      'not_a_token_error',
      `errcode ${String(report.errcode)} is not about the access token, so a new one cannot cure it. ${advice.remedy}`,
      { errcode: report.errcode },
    );
  }

  /** Milliseconds until a report of this token leads to anything; 0 for now. */
  private recentMs({ record: { reason, issuedAtMs } }: HeldToken): number {
    const isAfterReport = reason === 'report' || reason === 'force';
    return isAfterReport ? Math.max(0, issuedAtMs + RECENT_MS - this.manager.memory.storeNowMs()) : 0;
  }

  /** The token is too young to act on. A caller that named none may have meant the one before. */
  private recent(report: TokenReport, token: HeldToken): ReportAnswer {
    const heardInMs = this.recentMs(token);
    const isNamed = report.accessToken !== undefined || report.generation !== undefined;
    if (isNamed) this.manager.memory.reported.contest(token, heardInMs);
    return { ...answered('recently_rotated', token), heardInMs };
  }

  /** What the platform says is never outvoted. */
  private async verdict(caller: string, token: HeldToken): Promise<Verdict> {
    const { verifyReports, upstreamTimeoutMs } = this.manager.app.refresh;
    if (!verifyReports) return 'believed';
    const nowMonoMs = this.ports.clock.monotonicMs();
    const { isFirst, isSeconded } = this.reporters.vote(caller, token.record.value, nowMonoMs);
    // The token may have died since the platform was asked for another client.
    const cacheMs = isFirst ? 0 : PROBE_CACHE_MS;
    const isOftenWrong = this.reporters.isOftenWrong(caller, nowMonoMs);
    const { outcome, atMonoMs } = await this.probe.try(token.record, {
      cacheMs: isOftenWrong ? MISTRUSTED_PROBE_CACHE_MS : cacheMs,
      timeoutMs: upstreamTimeoutMs,
      storeHealth: this.manager.sync.health,
    });
    if (outcome === 'rejected') return 'refused';
    if (outcome === 'no_answer') return isSeconded ? 'believed' : 'unproven';
    this.reporters.contradicted(caller, atMonoMs);
    this.manager.memory.reported.markAlive(token);
    return 'alive';
  }

  private async guess({ record }: HeldToken): Promise<Verdict> {
    const { verifyReports } = this.manager.app.refresh;
    const outcome = verifyReports ? await this.tryGuessed(record) : 'no_answer';
    return outcome === 'rejected' ? 'refused' : 'alive';
  }

  /** A caller who comes just after a try waits for the next one: the token may have died since. */
  private async tryGuessed(record: TokenRecord): Promise<ProbeOutcome> {
    const { clock } = this.ports;
    const { value } = record;
    const cameMonoMs = clock.monotonicMs();
    const waitMs = this.guessPace.waitMs(value, cameMonoMs);
    if (waitMs > 0 && waitMs < Infinity) await sleep(clock, waitMs);
    const known = this.guessPace.lastAfter(value, waitMs === Infinity ? -Infinity : cameMonoMs);
    if (known) return known.outcome;
    const timeoutMs = Math.min(GUESS_TIMEOUT_MS, this.manager.app.refresh.upstreamTimeoutMs);
    const probed = await this.guessProbe.try(record, { cacheMs: 0, timeoutMs });
    this.guessPace.tried(probed);
    return probed.outcome;
  }

  /**
   * Replaces the token, sharing the fetch with everybody who wants the same. First as any refresh, because a platform
   * that knows its token to be dead gives another; only if a dead one comes back is the platform forced.
   */
  private async rotate(
    report: TokenReport,
    reported: HeldToken | null,
    verdict: Verdict,
  ): Promise<ReportAnswer> {
    const isDead = reported !== null && (verdict === 'refused' || verdict === 'believed');
    const request = {
      reason: reported ? (report.force ? ('force' as const) : ('report' as const)) : ('cold' as const),
      charge: chargeOf(report, reported, verdict),
      // What was reported, not what is current by now: others may have rotated while this one was probed.
      seenGeneration: reported?.record.generation ?? this.manager.memory.generation,
      ignoreBackOff: report.force ? ('mendable' as const) : ('none' as const),
      isProvenDead: isDead,
    };
    let result = await this.refreshUnlessMoved({ ...request, forceNew: report.force }, reported);
    const { canForce } = this.manager.app.issuer.rule;
    if (canForce && isDead && !report.force && this.isSameAs(reported) && result.kind === 'over') {
      const seenGeneration = this.manager.memory.generation;
      if (!this.manager.memory.backOff) {
        const charge = { pool: 'forceNew', client: report.caller } as const;
        result = await this.refreshUnlessMoved(
          { ...request, charge, seenGeneration, forceNew: true },
          reported,
        );
      }
    }
    return this.answer(result, reported, verdict);
  }

  /** A flight that was under way may have been for something older: one more of our own, if it changed nothing. */
  private async refreshUnlessMoved(
    request: Parameters<TokenManager['refresh']>[0],
    reported: HeldToken | null,
  ): Promise<RefreshResult> {
    const wasRunning = this.manager.isRefreshing;
    const result = await this.manager.refresh(request);
    const needsOwn =
      wasRunning && this.manager.memory.generation === request.seenGeneration && !this.manager.memory.backOff;
    return needsOwn && this.isSameAs(reported) ? this.manager.refresh(request) : result;
  }

  private isSameAs(reported: HeldToken | null): boolean {
    return this.manager.memory.livingToken?.record.value === reported?.record.value;
  }

  private answer(result: RefreshResult, reported: HeldToken | null, verdict: Verdict): ReportAnswer {
    const { memory } = this.manager;
    const token = memory.livingToken ?? null;
    if (token && token.record.value !== reported?.record.value) return answered('rotated', token);
    if (result.kind === 'budget_exhausted') {
      const why = this.budgetDetail(result.budget);
      if (token && verdict === 'refused') memory.reported.markDead(token, why);
      return {
        kind: 'budget_exhausted',
        detail: `${why}; the day begins at ${dayStart(this.manager.app.refresh.dayOffsetMs)}. Find the caller that keeps reporting: the log names it.`,
        retryAfterSeconds: Math.max(1, Math.ceil(memory.nextDayWaitMs / 1000)),
        token,
      };
    }
    const { diagnosis, isStopping } = this.manager;
    const isReturned = token && reported && token.record.generation > reported.record.generation;
    if (isReturned && verdict === 'refused' && !this.manager.app.issuer.rule.canForce) {
      memory.reported.markReturnedDead(token);
      throw diagnosis.returnedDead();
    }
    if (isReturned && !memory.view?.backOff) return answered('still_valid', token);
    throw isStopping ? diagnosis.stopping() : diagnosis.noRotation();
  }

  private budgetDetail(budget: BudgetName): string {
    const { dailyBudget, forcedDailyBudget } = this.manager.app.refresh;
    const forced = String(forcedDailyBudget);
    const limit = '(apps[].refresh.forcedDailyBudget)';
    return {
      daily: `Today's ${String(dailyBudget)} fetches are used up (apps[].refresh.dailyBudget)`,
      forced: `Today's ${forced} forced refreshes are used up ${limit}`,
      forceNew: `The platform hands the dead token out again, and today's ${forced} requests to replace it are used up ${limit}`,
      unproven: `The platform did not say whether the token is dead, and today's ${forced} replacements without its word are used up ${limit}`,
      client: `The platform did not say whether the token is dead, and this client's half of today's ${forced} replacements without its word is used up ${limit}`,
    }[budget];
  }
}

/** What the platform refused itself is replaced like any token. A cold start is nobody's report. */
function chargeOf(
  { caller, force }: TokenReport,
  reported: HeldToken | null,
  verdict: Verdict,
): Charge | null {
  if (force) return { pool: 'forced', client: caller };
  return reported === null || verdict === 'refused' ? null : { pool: 'unproven', client: caller };
}

function names(report: TokenReport, token: HeldToken): boolean {
  if (report.accessToken !== undefined) return report.accessToken === token.record.value;
  return report.generation === undefined || isSameValue(token.record, report.generation);
}

function answered(reason: ReportReason, token: HeldToken): ReportAnswer & { kind: 'answered' } {
  return { kind: 'answered', refreshed: reason === 'rotated', reason, token };
}
