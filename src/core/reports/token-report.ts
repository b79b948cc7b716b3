import type { ErrorCode } from '../error-code.js';
import type { BrokerErrorCode } from '../errors.js';
import type { HeldToken } from '../token.js';

/** A caller says that the platform refused its token. Naming none names the current one. */
export interface TokenReport {
  /** The API client. */
  readonly caller: string;
  readonly generation?: number | undefined;
  readonly accessToken?: string | undefined;
  /** What the platform answered to the caller. */
  readonly errcode?: ErrorCode | undefined;
  /** Replace the token although nothing is wrong with it: it leaked. The edge has checked the scope. */
  readonly force: boolean;
  /** What the person who forces it says that it is for. */
  readonly why?: string | undefined;
  /**
   * Nobody said that it was refused: the caller asked for the token, and may have been given it before. The platform is
   * asked, though not for each guess, and nothing but its refusal counts.
   */
  readonly isGuess?: boolean | undefined;
}

export type ReportReason = 'rotated' | 'already_rotated' | 'recently_rotated' | 'still_valid';

/** What came of a report, in a word: the reason or kind of the answer, or the code of the `BrokerError`. */
export type ReportResult = ReportReason | 'budget_exhausted' | BrokerErrorCode;

/** What came of a report. Failures of the platform are thrown as `BrokerError`. */
export type ReportAnswer =
  | {
      readonly kind: 'answered';
      readonly refreshed: boolean;
      readonly reason: ReportReason;
      readonly token: HeldToken;
      /** For people: why this report was answered without asking the platform. */
      readonly note?: string;
      /** With `recently_rotated`: a report of this token leads to something only after so many milliseconds. */
      readonly heardInMs?: number;
    }
  | {
      readonly kind: 'budget_exhausted';
      /** For people: which budget, and when it is filled again. */
      readonly detail: string;
      readonly retryAfterSeconds: number;
      /** The current token, if it still lives. */
      readonly token: HeldToken | null;
    };

/** Two clients that report one token within this time are believed where the platform gives no answer. */
const VOTE_MS = 60_000;
/** A client that the platform contradicted so often within `WRONG_MS` is no longer a reason to ask it. */
const MAX_WRONG = 5;
const WRONG_MS = 600_000;

/** What the clients that report one app's tokens have reported of late, and how often they were wrong. */
export class Reporters {
  private votes: { value: string; atMonoMs: ReadonlyMap<string, number> } = {
    value: '',
    atMonoMs: new Map(),
  };
  private readonly wrong = new Map<string, number[]>();

  /**
   * Counts the client in. `isFirst`: it had not reported this token within the last minute; `isSeconded`: two different
   * clients have by now, without those that were often wrong.
   */
  vote(client: string, value: string, nowMonoMs: number): { isFirst: boolean; isSeconded: boolean } {
    const before = this.votes.value === value ? this.votes.atMonoMs : new Map<string, number>();
    const recent = new Map([...before].filter(([, at]) => nowMonoMs - at < VOTE_MS));
    const isFirst = !recent.has(client);
    recent.set(client, nowMonoMs);
    this.votes = { value, atMonoMs: recent };
    const believed = [...recent.keys()].filter((one) => !this.isOftenWrong(one, nowMonoMs));
    return { isFirst, isSeconded: believed.length >= 2 };
  }

  /** The platform accepted what this client reported as dead. Reports that share a probe count once. */
  contradicted(client: string, probedMonoMs: number): void {
    const known = this.wrong.get(client) ?? [];
    if (known.at(-1) !== probedMonoMs) this.wrong.set(client, [...known, probedMonoMs].slice(-MAX_WRONG));
  }

  /** Contradicted 5 times within 10 minutes. */
  isOftenWrong(client: string, nowMonoMs: number): boolean {
    const recent = (this.wrong.get(client) ?? []).filter((at) => nowMonoMs - at < WRONG_MS);
    return recent.length >= MAX_WRONG;
  }
}
