import type { CallLog } from './call-log.js';
import type { FaultSpec } from './fault-spec.js';
import type { HttpReply } from './http-reply.js';
import type { HttpCall } from './read-call.js';
import type { TokenLedger } from './token-ledger.js';

export interface Answer {
  readonly reply: HttpReply;
  /** The word for it in the call log. */
  readonly outcome: string;
}

/** All that a simulated platform remembers, and how it answers. A fresh one is a fresh world. */
export interface World {
  readonly ledger: TokenLedger;
  readonly calls: CallLog;
  hasApp(appId: string): boolean;
  /** The app that the call is about, by its credentials or its token; null when there is no such app. */
  appIdOf(call: HttpCall): string | null;
  /** A request has come in, whatever becomes of it. */
  arrived?(call: HttpCall): void;
  /** How long the platform itself takes before it acts on the call; 0 if left out. */
  delayMs?(call: HttpCall, nowMs: number): number;
  /** Does what was asked for, as of `nowMs`. */
  act(call: HttpCall, nowMs: number): Answer;
  /** The platform's own form of an error; `code` and `words` as the fault gives them, or what the platform says when it is busy. */
  refuse(call: HttpCall, nowMs: number, fault: Pick<FaultSpec, 'errcode' | 'errmsg'>): Answer;
}
