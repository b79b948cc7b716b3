import type { AppName, FetchReason } from './token.js';

/** What became of one fetch. */
export type FetchOutcomeKind = 'issued' | 'refused' | 'not_sent' | 'unknown';

/** Something that happened to an app's token. Facts only: what they mean in numbers or log lines is for others to say. Holds no secret. */
export type BrokerFact = { readonly app: AppName } & (
  | { readonly kind: 'fetch_started'; readonly reason: FetchReason; readonly fence: number }
  | {
      readonly kind: 'fetch_ended';
      readonly reason: FetchReason;
      readonly outcome: FetchOutcomeKind;
      readonly durationMs: number;
      readonly errcode: number | null;
      readonly message: string | null;
      /** What a person does about it; null when it needs nobody. */
      readonly remedy: string | null;
      /** When the next fetch may be sent, in milliseconds from now; null when nothing holds it up. */
      readonly retryInMs: number | null;
    }
  | {
      readonly kind: 'rotated';
      readonly generation: number;
      readonly reason: FetchReason;
      readonly expiresInMs: number;
      /** The platform handed the token out that was current already. */
      readonly sameValue: boolean;
      /** False while the store is away: other replicas do not know of it. */
      readonly isStored: boolean;
    }
  | { readonly kind: 'adopted'; readonly generation: number }
  | { readonly kind: 'superseded'; readonly fence: number; readonly generation: number }
  | { readonly kind: 'suspected'; readonly generation: number; readonly why: 'suspect' | 'in_doubt' }
  | { readonly kind: 'healed'; readonly generation: number }
  | {
      readonly kind: 'reported';
      readonly result: string;
      readonly errcode: number | null;
      readonly caller: string;
    }
  | { readonly kind: 'probed'; readonly outcome: string; readonly durationMs: number }
  | { readonly kind: 'lease'; readonly result: 'acquired' | 'held' | 'unavailable' | 'lost' }
  | { readonly kind: 'store_unavailable'; readonly message: string }
  | { readonly kind: 'store_available' }
);

/** Is told what happens. Must not throw and must not wait. */
export abstract class Observer {
  abstract notice(fact: BrokerFact): void;
}
