import { AsyncLocalStorage } from 'node:async_hooks';
import type { ErrorCode } from '../error-code.js';
import type { SuspectReason } from '../refresh/policy.js';
import type { ReportResult } from '../reports/token-report.js';
import type { AppName, FetchReason } from '../token.js';
import type { LoginRefusal, LoginSurface } from './login-provider.js';
import type { ProbeOutcome } from './token-issuer.js';

/** What became of one fetch. */
export type FetchOutcomeKind = 'issued' | 'refused' | 'not_sent' | 'unknown';

/** Something that happened to an app's token. What it means in numbers or log lines is for others to say. Holds no secret; a token is there as its `fingerprint`. */
export type BrokerEvent = { readonly app: AppName } & (
  | { readonly kind: 'fetch_started'; readonly reason: FetchReason; readonly fence: number }
  | {
      readonly kind: 'fetch_ended';
      readonly reason: FetchReason;
      readonly outcome: FetchOutcomeKind;
      readonly durationMs: number;
      readonly errcode: ErrorCode | null;
      readonly message: string | null;
      /** What a person does about it; null when it needs nobody. */
      readonly remedy: string | null;
      /** When the next fetch may be sent, in milliseconds from now; null when nothing holds it up, or it waits for the next refresh. */
      readonly retryInMs: number | null;
    }
  | {
      readonly kind: 'rotated';
      readonly generation: number;
      readonly fingerprint: string;
      readonly reason: FetchReason;
      readonly expiresInMs: number;
      /** The platform handed the token out that was current already. */
      readonly sameValue: boolean;
      /** False while the store is away: other replicas do not know of it. */
      readonly isStored: boolean;
    }
  | {
      readonly kind: 'adopted';
      readonly generation: number;
      readonly fingerprint: string | null;
      /** It was stored already when this process first looked. */
      readonly isFound: boolean;
    }
  | { readonly kind: 'superseded'; readonly fence: number; readonly generation: number }
  | { readonly kind: 'suspected'; readonly generation: number; readonly why: SuspectReason }
  | { readonly kind: 'healed'; readonly generation: number }
  | {
      readonly kind: 'reported';
      readonly result: ReportResult;
      readonly errcode: ErrorCode | null;
      readonly caller: string;
      /** What the caller named, if it named something. */
      readonly generation: number | null;
      readonly fingerprint: string | null;
      /** The caller did not say that it was refused, but wants another one; and what for, if a person said so. */
      readonly forced?: { readonly why: string | null };
      readonly durationMs: number;
    }
  | {
      /** The token was dead long before its time although no replica replaced it; `ForeignFetch` says when exactly. */
      readonly kind: 'died_early';
      readonly generation: number;
      readonly ageMs: number;
      /** Of its life. */
      readonly leftMs: number;
    }
  | {
      /** A token that was in the store before this process was. Dead ones are not served. */
      readonly kind: 'found_token_tried';
      readonly generation: number;
      readonly outcome: ProbeOutcome;
    }
  | {
      readonly kind: 'probed';
      readonly outcome: ProbeOutcome;
      /** With which the platform refused; left out of an acceptance and without an answer. */
      readonly errcode?: ErrorCode;
      /** The person who wanted to know; left out: the broker, because of a report or of what it found in the store. */
      readonly caller?: string;
      readonly durationMs: number;
    }
  | { readonly kind: 'lease'; readonly result: 'acquired' | 'held' | 'unavailable' | 'lost' }
  | {
      /** Another broker fetches for this app, so this one does not; told when that begins. */
      readonly kind: 'claim_refused';
      readonly holder: string;
    }
  | {
      /** The other broker let go: this one fetches again. */
      readonly kind: 'claim_won';
      readonly holder: string;
    }
  | {
      /** A user's code was sent to the platform, or could not be. */
      readonly kind: 'login_exchanged';
      readonly surface: LoginSurface;
      readonly outcome: 'answered' | 'refused' | 'not_sent' | 'unknown';
      /** Of a refusal; null otherwise. */
      readonly meaning: LoginRefusal | null;
      readonly durationMs: number;
      readonly errcode: ErrorCode | null;
      readonly message: string | null;
      readonly remedy: string | null;
    }
  | {
      /** The platform refuses the app itself, at a call of logins that spends no code. */
      readonly kind: 'login_call_refused';
      readonly errcode: ErrorCode;
      readonly message: string;
      readonly remedy: string;
    }
  /** A code came again, and was not sent again. */
  | { readonly kind: 'login_code_repeated' }
  | { readonly kind: 'store_unavailable'; readonly message: string; readonly remedy: string }
  | { readonly kind: 'store_available' }
);

/** Receives what happens. Must not throw and must not wait. */
export abstract class EventSink {
  abstract emit(event: BrokerEvent): void;
}

/** Passes each event on to several sinks, in their order. */
export class EventSinks extends EventSink {
  private readonly sinks: EventSink[];

  constructor(...sinks: readonly EventSink[]) {
    super();
    this.sinks = [...sinks];
  }

  /** From now on, after the others. */
  add(sink: EventSink): void {
    this.sinks.push(sink);
  }

  override emit(event: BrokerEvent): void {
    for (const sink of this.sinks) sink.emit(event);
  }
}

/** The request that the work under way is done for. What no request asked for has none. */
export interface RequestContext {
  readonly requestId: string;
  /** The trace that the request belongs to, for who knows what it is; null when it is not traced. */
  readonly trace: object | null;
  /** What no log line of this request may show, besides what is hidden everywhere. Asked for only when a line is written. */
  readonly secrets?: () => readonly string[];
}

/** Follows calls and promises by itself. A fetch that many share is caused by the first who wanted it. */
export const requestContext = new AsyncLocalStorage<RequestContext>();
