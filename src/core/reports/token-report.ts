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
