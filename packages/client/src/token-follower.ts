import type { Errcode } from './dead-token-errcode.js';
import { TokenClientError } from './token-client-error.js';
import type { BrokerApi, TimedAnswer } from './broker-api.js';
import { eventData } from './streams.js';
import { backOffMs, pause, TimeLimit } from './timers.js';
import { tokenAnswer, type TokenAnswer } from './token-answer.js';
import type { TokenMemory } from './token-memory.js';

/** What happens behind `get()`. Holds no token. */
export type TokenClientEvent =
  /** There is a newer token. */
  | { readonly type: 'token'; readonly generation: number; readonly expiresInSeconds: number }
  /** The broker does not answer, or refuses. The token held is used to the end of its life, 0 without one. */
  | { readonly type: 'degraded'; readonly error: TokenClientError; readonly expiresInSeconds: number }
  | { readonly type: 'recovered' }
  /** A token was refused by the platform, and the broker gave no other: `call()` returned what the platform had said. */
  | {
      readonly type: 'report_failed';
      readonly errcode: Errcode | undefined;
      readonly error: TokenClientError;
    };

/** The broker answers GET /token from memory; only a cold one takes longer. */
const POLL_TIMEOUT_MS = 3000;
const CONNECT_TIMEOUT_MS = 5000;
/** More than twice the time between two comments of the broker. */
const MAX_SILENCE_MS = 40_000;
/** A stream that lasted this long had a healthy start: the next one is opened without much ado. */
const HEALTHY_MS = 5000;
const MAX_BACK_OFF_MS = 30_000;

/** Keeps the memory current in the background: by the event stream, and by asking where there is none. */
export class TokenFollower {
  private polling: Promise<void> | null = null;
  private isStarted = false;
  private isDegraded = false;

  constructor(
    private readonly api: BrokerApi,
    private readonly memory: TokenMemory,
    private readonly emit: (event: TokenClientEvent) => void,
    private readonly closed: AbortSignal,
    /** False: only asks. */
    private readonly stream: boolean,
  ) {}

  /** Begins to follow, once. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    void this.run();
  }

  /** Asks the broker now; whoever comes meanwhile shares the answer. Throws `TokenClientError`. */
  poll(): Promise<void> {
    this.polling ??= this.ask().finally(() => {
      this.polling = null;
    });
    return this.polling;
  }

  /** What the broker said at `askedAtMs` or later, from whichever route. */
  heard({ answer, askedAtMs }: TimedAnswer): void {
    this.adopt(answer, askedAtMs);
    this.recovered();
  }

  private async ask(): Promise<void> {
    try {
      this.heard(await this.api.token(this.memory.livingGeneration, POLL_TIMEOUT_MS));
    } catch (error) {
      if (error instanceof TokenClientError) this.failed(error);
      throw error;
    }
  }

  private async run(): Promise<void> {
    const { closed } = this;
    for (let attempt = 0; !closed.aborted; attempt += 1) {
      const startMs = performance.now();
      const end = this.stream ? await this.follow() : 'no_stream';
      const isHeard = end === 'over' || (await this.isHeard());
      const isPolling = isHeard && end === 'no_stream';
      if (isPolling || performance.now() - startMs > HEALTHY_MS) attempt = 0;
      await pause(isPolling ? this.pollPauseMs() : backOffMs(attempt, MAX_BACK_OFF_MS), closed);
    }
  }

  /** Resolves when the stream is over; `failed`: it did not open, or brought nothing, not even a comment. */
  private async follow(): Promise<'over' | 'failed' | 'no_stream'> {
    const limit = new TimeLimit(this.closed, CONNECT_TIMEOUT_MS);
    let leave: (() => void) | null = null;
    const heard = { anything: false };
    try {
      const events = await this.api.events(this.memory.livingGeneration, limit);
      leave = events.leave;
      limit.allow(MAX_SILENCE_MS);
      this.recovered();
      const onBytes = (): void => {
        heard.anything = true;
        limit.heard();
        this.memory.confirm(limit.heardAtMs);
      };
      for await (const data of eventData(events.body, limit.signal, onBytes)) {
        this.adopt(tokenAnswer(JSON.parse(data)), limit.heardAtMs);
      }
      return heard.anything ? 'over' : 'failed';
    } catch (error) {
      if (heard.anything) return 'over';
      return error instanceof TokenClientError && error.code === 'not_found' ? 'no_stream' : 'failed';
    } finally {
      limit.stop();
      leave?.();
    }
  }

  private async isHeard(): Promise<boolean> {
    try {
      await this.poll();
      return true;
    } catch {
      return false;
    }
  }

  private adopt(answer: TokenAnswer, atMs: number): void {
    if (!this.memory.adopt(answer, atMs)) return;
    const { generation, expiresInSeconds } = this.memory;
    this.emit({ type: 'token', generation, expiresInSeconds });
  }

  private failed(error: TokenClientError): void {
    if (this.closed.aborted) return;
    this.memory.keepToTheEnd();
    if (this.isDegraded) return;
    this.isDegraded = true;
    this.emit({ type: 'degraded', error, expiresInSeconds: this.memory.expiresInSeconds });
  }

  private recovered(): void {
    if (!this.isDegraded) return;
    this.isDegraded = false;
    this.emit({ type: 'recovered' });
  }

  /** A little before the answer grows too old, and not everybody at once. */
  private pollPauseMs(): number {
    const leftMs = this.memory.freshUntilMs - performance.now();
    return Math.max(500, leftMs * (0.6 + 0.3 * Math.random()));
  }
}
