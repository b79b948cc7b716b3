import type { ErrcodeAdvice } from '../../src/core/ports/token-issuer.js';

export interface MintedToken {
  readonly value: string;
  readonly atMs: number;
  readonly expiresAtMs: number;
  /** When it stopped being accepted before its time. */
  diedAtMs: number;
}

/** The platform's rules, as small as they can be said: which token a request gets, and which tokens are accepted. */
export class ModelPlatform {
  readonly minted: MintedToken[] = [];

  constructor(
    private readonly grant: 'classic' | 'stable',
    private readonly lifeMs: number,
    private readonly graceMs: number,
  ) {}

  get newest(): MintedToken | undefined {
    return this.minted.at(-1);
  }

  /** What a request gets that is processed now. */
  process(nowMs: number, forceNew: boolean): { value: string; expiresInMs: number } {
    const { newest } = this;
    const isReusable =
      this.grant === 'stable' &&
      newest &&
      newest.diedAtMs > nowMs &&
      newest.expiresAtMs - nowMs > this.graceMs;
    if (isReusable && !forceNew) return { value: newest.value, expiresInMs: newest.expiresAtMs - nowMs };
    const before = this.minted.at(-2);
    if (before) before.diedAtMs = Math.min(before.diedAtMs, nowMs);
    if (newest)
      newest.diedAtMs = Math.min(newest.diedAtMs, forceNew && isReusable ? nowMs : nowMs + this.graceMs);
    const token = {
      value: `token-${String(this.minted.length + 1)}`,
      atMs: nowMs,
      expiresAtMs: nowMs + this.lifeMs,
      diedAtMs: nowMs + this.lifeMs,
    };
    this.minted.push(token);
    return { value: token.value, expiresInMs: this.lifeMs };
  }

  killNewest(nowMs: number): void {
    if (this.newest) this.newest.diedAtMs = Math.min(this.newest.diedAtMs, nowMs);
  }

  isAccepted(value: string, nowMs: number): boolean {
    const token = this.minted.find((candidate) => candidate.value === value);
    return token !== undefined && nowMs < token.diedAtMs;
  }
}

/** The advice that the simulated platform's one refusal, "busy", and all token errors get. */
export const BUSY: ErrcodeAdvice = {
  class: 'busy',
  remedy: 'Wait; the broker tries again by itself.',
  secretRejected: false,
  addressRejected: false,
  curedByNewToken: 'yes',
};
