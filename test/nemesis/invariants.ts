import type { TokenReport } from '@access-token-broker/simulator';
import type { Exchange, History } from './history.js';
import { CUT_OFF_MS, FOUND_TRY_PAUSE_MS, TRAVEL_MS } from './scale.js';

/** What the platform knows of one app after a run. */
export interface AppTruth {
  readonly name: string;
  /** Of the app's grant, oldest first. */
  readonly tokens: readonly TokenReport[];
  /** Requests that the platform acted on since the history begins: what a busy machine does to a start is no matter. */
  readonly fetches: number;
  /** Tokens that were served before the history begins. */
  readonly servedBefore: readonly string[];
  /** See `Scenario.isCutOff`. */
  readonly isCutOff: boolean;
  /** See `Scenario.isPutBack`. */
  readonly isPutBack: boolean;
  /** How many fetches more than rotations the run's faults explain. */
  readonly allowedExtra: number;
}

export interface Verdict {
  /** One sentence each; none when the invariants hold. */
  readonly violations: readonly string[];
  readonly deadServed: number;
  /** Dead tokens that the protocol names as its exception. */
  readonly deadExcepted: number;
  readonly fetches: number;
  /** Tokens that were issued and that some client got. */
  readonly rotations: number;
}

/** Checks the invariants that a history shows: I1, I2, I3, I4 and I12. */
export function judge(history: History, apps: readonly AppTruth[]): Verdict {
  const verdicts = apps.map((app) => judgeApp(history.of(app.name), app));
  const sum = (count: (verdict: Verdict) => number): number =>
    verdicts.reduce((total, verdict) => total + count(verdict), 0);
  return {
    violations: [...verdicts.flatMap(({ violations }) => violations), ...unexplained(history.exchanges)],
    deadServed: sum(({ deadServed }) => deadServed),
    deadExcepted: sum(({ deadExcepted }) => deadExcepted),
    fetches: sum(({ fetches }) => fetches),
    rotations: sum(({ rotations }) => rotations),
  };
}

function judgeApp(exchanges: readonly Exchange[], app: AppTruth): Verdict {
  const known = new Map(app.tokens.map((token) => [token.token, token]));
  const served = new Set(app.servedBefore);
  const violations: string[] = [];
  let deadServed = 0;
  let deadExcepted = 0;
  for (const exchange of exchanges) {
    if (exchange.token === null) continue;
    served.add(exchange.token);
    const token = known.get(exchange.token);
    if (token && wasAccepted(token, exchange)) continue;
    if (token && isExcepted(token, exchange, app)) {
      deadExcepted += 1;
      continue;
    }
    deadServed += 1;
    if (deadServed === 1) violations.push(deadSentence(app.name, exchange, token));
  }
  if (deadServed > 1)
    violations.push(`I1 ${app.name}: ${String(deadServed)} answers with a dead token in all`);
  const before = new Set(app.servedBefore);
  const rotations = app.tokens.filter(({ token }) => served.has(token) && !before.has(token)).length;
  violations.push(...extraFetches(app, rotations), ...fallen(exchanges), ...twoValues(exchanges));
  return { violations, deadServed, deadExcepted, fetches: app.fetches, rotations };
}

/** I1: at some instant of the request. */
function wasAccepted(token: TokenReport, { startedAtMs, endedAtMs }: Exchange): boolean {
  return token.issued_at <= endedAtMs && token.ends_at > startedAtMs;
}

/**
 * The exception of I1: a token that ended before its time, while the answer with its successor was still on its way or
 * got lost. What somebody else's fetch ended, no broker can know before a caller reports it. And a token that was put back
 * in its overlap is served until it is tried again.
 */
function isExcepted(token: TokenReport, { startedAtMs }: Exchange, app: AppTruth): boolean {
  const { tokens, isCutOff, isPutBack } = app;
  const later = tokens.filter((other) => other.issued_at > token.issued_at);
  if (later.some(({ issued_to: issuedTo }) => issuedTo === 'other')) return true;
  // Nobody has to tell a replica that a token's time is over.
  if (token.death === 'expired') return false;
  if (isPutBack && token.death === 'overwritten' && startedAtMs <= token.ends_at + FOUND_TRY_PAUSE_MS)
    return true;
  const wasEndedByMint = later.some((other) => other.issued_at === token.ends_at);
  if (!wasEndedByMint && token.death !== 'killed' && !isCutOff) return false;
  const since = wasEndedByMint ? token.ends_at : token.issued_at;
  const answered = later.find((other) => other.issued_at >= since && other.delivered);
  return startedAtMs <= (answered?.issued_at ?? Infinity) + (isCutOff ? CUT_OFF_MS : TRAVEL_MS);
}

function deadSentence(app: string, exchange: Exchange, token: TokenReport | undefined): string {
  const age = token
    ? `${String(exchange.startedAtMs - token.ends_at)} ms after its end (${String(token.death)})`
    : 'never issued';
  return `I1 ${app}: ${exchange.replica} served generation ${String(exchange.generation)}, ${age}`;
}

/** I2. */
function extraFetches({ name, fetches, tokens, allowedExtra }: AppTruth, rotations: number): string[] {
  if (fetches <= rotations + allowedExtra) return [];
  const counts = `${String(fetches)} fetches for ${String(rotations)} rotations and ${String(allowedExtra)} faults`;
  // On a machine that is too busy, the platform itself answers too late.
  const lost = tokens.filter(({ delivered }) => !delivered).length;
  return [`I2 ${name}: ${counts}; ${String(lost)} answers did not arrive`];
}

/** I3. */
function fallen(exchanges: readonly Exchange[]): string[] {
  return exchanges
    .filter(({ generation, minGeneration }) => (generation ?? Infinity) < (minGeneration ?? 0))
    .map(
      ({ app, replica, generation, minGeneration }) =>
        `I3 ${app}: ${replica} served ${String(generation)} to a client that had seen ${String(minGeneration)}`,
    );
}

/** I4. */
function twoValues(exchanges: readonly Exchange[]): string[] {
  const values = new Map<number, string>();
  return exchanges.flatMap(({ app, generation, token }) => {
    if (generation === null || token === null) return [];
    const first = values.get(generation) ?? token;
    values.set(generation, first);
    return first === token ? [] : [`I4 ${app}: generation ${String(generation)} has two values`];
  });
}

/** I12. */
function unexplained(exchanges: readonly Exchange[]): string[] {
  return exchanges
    .filter(({ status }) => status >= 500 || status === 429)
    .filter(({ code, hasRetryAfter }) => code === null || !hasRetryAfter)
    .map(({ app, status }) => `I12 ${app}: an answer ${String(status)} without code or Retry-After`);
}
