import type { BrokerApi } from './broker-api.js';
import { deadTokenErrcode, type Errcode, type ErrcodeReading } from './dead-token-errcode.js';
import { backOffMs, pause } from './timers.js';
import { TokenClientError } from './token-client-error.js';
import { type TokenClientEvent, TokenFollower } from './token-follower.js';
import { TokenMemory } from './token-memory.js';

/** A token that is older than the broker said it may get is checked, but nobody waits longer for that. */
const CHECK_MS = 1000;
/** Who finds the same token dead so soon after the broker judged it gets the same answer. */
const REPORT_JOIN_MS = 1000;
const MAX_BACK_OFF_MS = 2000;
/** With less time left, asking once more is in vain. */
const MIN_ATTEMPT_MS = 10;
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

export interface TokenClientSettings extends ErrcodeReading {
  readonly api: BrokerApi;
  readonly closing: AbortController;
  readonly stream: boolean;
  readonly timeoutMs: number;
}

type Outcome<T> = { readonly answer: T } | { readonly error: unknown };

/** One app's access token, kept current; made by `createTokenClient`. It talks to the broker from the first use on. */
export class TokenClient {
  private readonly memory = new TokenMemory();
  private readonly listeners = new Set<(event: TokenClientEvent) => void>();
  private readonly follower: TokenFollower;
  private readonly closed: AbortSignal;
  /** Aborted and made anew by each new token. */
  private arrival = new AbortController();
  private checking: Promise<boolean> | null = null;
  private waiting: Promise<string> | null = null;
  private lastReport: { value: string; untilMs: number; answer: Promise<string> } | null = null;

  constructor(private readonly settings: TokenClientSettings) {
    this.closed = settings.closing.signal;
    const emit = (event: TokenClientEvent): void => {
      this.emit(event);
    };
    this.follower = new TokenFollower(settings.api, this.memory, emit, this.closed, settings.stream);
  }

  /** The errcode in an answer or error by which the platform says that the token is dead. Never rejects. */
  deadTokenErrcode(outcome: unknown): Promise<Errcode | undefined> {
    return deadTokenErrcode(outcome, this.settings);
  }

  /**
   * The current token: from memory, but for the first time, or when the broker has not been heard for long.
   *
   * @throws TokenClientError when there is none and none comes in time
   */
  get(): Promise<string> {
    const { memory } = this;
    return performance.now() < memory.freshUntilMs ? memory.promise : this.getSlowly();
  }

  /**
   * The platform refused this token, with this errcode if it named one: tells the broker, unless it is replaced already, and returns the
   * token to use instead. Everybody who reports the same token shares one report.
   *
   * @throws TokenClientError when the broker has no other
   */
  report(token: string, errcode?: Errcode): Promise<string> {
    const { memory, lastReport } = this;
    if (memory.isLiving && token !== memory.value) return memory.promise;
    if (lastReport?.value === token && performance.now() < lastReport.untilMs) return lastReport.answer;
    const report = { value: token, untilMs: Infinity, answer: this.send(token, errcode) };
    this.lastReport = report;
    report.answer.then(
      () => {
        report.untilMs = performance.now() + REPORT_JOIN_MS;
      },
      (error: unknown) => {
        report.untilMs = -Infinity;
        if (error instanceof TokenClientError) this.emit({ type: 'report_failed', errcode, error });
      },
    );
    return report.answer;
  }

  /**
   * Runs `work` with the token. When its answer or its error bears the errcode of a dead token, reports the token and runs it
   * once more with the new one, never twice.
   */
  async call<T>(work: (token: string) => T | PromiseLike<T>): Promise<T> {
    const token = await this.get();
    const outcome = await attempt(work, token);
    const errcode = await this.deadTokenErrcode('error' in outcome ? outcome.error : outcome.answer);
    const next = errcode === undefined ? null : await this.report(token, errcode).catch(() => null);
    if (next !== null) return work(next);
    if ('error' in outcome) throw outcome.error;
    return outcome.answer;
  }

  /** The same around a function that takes the token first: the result takes what follows. */
  wrap<This, Args extends unknown[], T>(
    work: (this: This, token: string, ...args: Args) => T | PromiseLike<T>,
  ): (this: This, ...args: Args) => Promise<T> {
    const call = (run: (token: string) => T | PromiseLike<T>): Promise<T> => this.call(run);
    return function (this: This, ...args: Args) {
      return call((token) => work.call(this, token, ...args));
    };
  }

  /** Calls back with what happens in the background, until the returned function is called. */
  subscribe(listener: (event: TokenClientEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Ends the stream and all timers; `get()` fails from now on. A process that opened a stream does not end by itself before. */
  close(): void {
    this.memory.freshUntilMs = -Infinity;
    this.settings.closing.abort(new TokenClientError('closed', 'This token client is closed.'));
    this.wake();
  }

  /** Whatever writes a client out, such as a logger, must not find the token or the API key. */
  toJSON(): object {
    const { generation, expiresInSeconds } = this.memory;
    return { generation, expiresInSeconds };
  }

  [INSPECT](): object {
    return this.toJSON();
  }

  /** Whoever waits for a token looks again. */
  private wake(): void {
    this.arrival.abort();
    this.arrival = new AbortController();
  }

  private async getSlowly(): Promise<string> {
    const { memory, follower, closed } = this;
    closed.throwIfAborted();
    follower.start();
    this.checking ??= memory.isLiving ? this.check() : null;
    if (await this.checking) return memory.value;
    this.waiting ??= this.persist(
      () => follower.poll(),
      () => true,
    ).finally(() => {
      this.waiting = null;
    });
    return this.waiting;
  }

  /** Whether the token held may still be used, after the broker was asked for a newer one. */
  private async check(): Promise<boolean> {
    const polled = this.follower.poll().catch(() => undefined);
    await Promise.race([polled, pause(CHECK_MS, this.closed)]);
    this.checking = null;
    return this.memory.isLiving;
  }

  private send(value: string, errcode: Errcode | undefined): Promise<string> {
    const { memory, follower } = this;
    const { api } = this.settings;
    const generation = value === memory.value ? memory.generation : undefined;
    follower.start();
    const ask = async (leftMs: number): Promise<void> => {
      follower.heard(await api.report({ value, generation, errcode }, leftMs));
    };
    return this.persist(ask, () => memory.value !== value);
  }

  /** Asks until there is a living token that will do, from whichever side, or the time is over. */
  private async persist(ask: (leftMs: number) => Promise<void>, willDo: () => boolean): Promise<string> {
    const { memory, closed } = this;
    const endMs = performance.now() + this.settings.timeoutMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        await inTime(ask, Math.max(1, endMs - performance.now()));
        if (memory.isLiving) return memory.value;
        throw new TokenClientError('token_expired', 'The token that the broker gave has expired.');
      } catch (error) {
        const waitMs = waitOf(error, attempt);
        if (performance.now() + waitMs > endMs - MIN_ATTEMPT_MS) throw error;
        await pause(waitMs, this.arrival.signal, { isAwaited: true });
        closed.throwIfAborted();
        if (memory.isLiving && willDo()) return memory.value;
      }
    }
  }

  /** A listener that throws is a bug of its own, and not of whoever waits for a token. */
  private emit(event: TokenClientEvent): void {
    if (event.type === 'token') this.wake();
    for (const listener of this.listeners) {
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

async function attempt<T>(work: (token: string) => T | PromiseLike<T>, token: string): Promise<Outcome<T>> {
  try {
    return { answer: await work(token) };
  } catch (error) {
    return { error };
  }
}

/** Not everything that is asked ends in time: a poll that others began goes on for them. */
async function inTime(ask: (leftMs: number) => Promise<void>, leftMs: number): Promise<void> {
  const asked = new AbortController();
  const late = async (): Promise<void> => {
    await pause(leftMs, asked.signal, { isAwaited: true });
    throw new TokenClientError('unreachable', 'The token broker does not answer in time.');
  };
  try {
    await Promise.race([ask(leftMs), late()]);
  } finally {
    asked.abort();
  }
}

/** Milliseconds after which asking again makes sense. */
function waitOf(error: unknown, attempt: number): number {
  if (!(error instanceof TokenClientError) || error.isRefusal) return Infinity;
  const { retryAfterSeconds } = error;
  return retryAfterSeconds === undefined ? backOffMs(attempt, MAX_BACK_OFF_MS) : retryAfterSeconds * 1000;
}
