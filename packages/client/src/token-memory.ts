import type { TokenAnswer } from './token-answer.js';

/** The newest token that this client saw, on its own monotonic clock. Never an older one after a newer one, while that lives. */
export class TokenMemory {
  value = '';
  /** The same, ready to be awaited. */
  promise: Promise<string> = Promise.resolve('');
  generation = 0;
  /** Until then it is returned without asking anybody; never beyond its life. */
  freshUntilMs = -Infinity;
  private deadlineMs = -Infinity;
  private maxAgeMs = 0;

  get isLiving(): boolean {
    return performance.now() < this.deadlineMs;
  }

  get expiresInSeconds(): number {
    return Math.max(0, Math.floor((this.deadlineMs - performance.now()) / 1000));
  }

  /** Of the token that lives; 0 without one, for then any is better. */
  get livingGeneration(): number {
    return this.isLiving ? this.generation : 0;
  }

  /** Takes over what the broker said at `atMs` or later. Returns whether it is a newer token. */
  adopt({ value, generation, expiresInMs, maxAgeMs }: TokenAnswer, atMs: number): boolean {
    if (generation < this.livingGeneration) return false;
    this.maxAgeMs = maxAgeMs;
    const isNew = generation !== this.generation;
    if (isNew) {
      if (value !== this.value) this.promise = Promise.resolve(value);
      this.value = value;
      this.generation = generation;
      this.deadlineMs = atMs + expiresInMs;
    }
    this.confirm(atMs);
    return isNew;
  }

  /** The broker was heard and said nothing else. */
  confirm(atMs: number): void {
    this.freshUntilMs = Math.min(this.deadlineMs, atMs + this.maxAgeMs);
  }

  /** Nobody can be asked: what is held is used to its end. */
  keepToTheEnd(): void {
    this.freshUntilMs = this.deadlineMs;
  }
}
