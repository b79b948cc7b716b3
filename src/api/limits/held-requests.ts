import { Injectable } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Clock } from '../../core/ports/clock.js';
import { Callers } from '../auth/callers.js';
import type { Handle } from '../common/answer-in-turn.js';
import { remoteOf } from '../common/request.js';
import { ClientLimits } from './client-limits.js';

/** What is sent beyond these is handled at once, so that those who wait take no more memory than this. */
const MAX_HELD = 1000;
const MAX_BODY_BYTES = 4096;
/** Of a client with a lower rate, and of all wrong keys together. Most of them are refusals. */
const MIN_PER_SECOND = 500;
const LOOK_MS = 1;
/** A process that was busy does not make up for more than this: it would be busy again. */
const MAX_LATE_MS = 5;
/** No client has this name. */
const WRONG_KEYS = '';

interface Held {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly handle: Handle;
}

interface Line {
  /** When the next one goes on. */
  nextMonoMs: number;
  spacingMs: number;
  readonly waiting: Held[];
}

/**
 * Has those stand in line who send on and on while they are refused, before anything is done for them. They go on evenly, at
 * their rate. A connection has one request at a time, so whoever does not wait for answers waits too, and everybody else finds
 * the process free.
 */
@Injectable()
export class HeldRequests {
  private readonly lines = new Map<string, Line>();
  /** How many wait. */
  count = 0;

  constructor(
    private readonly limits: ClientLimits,
    private readonly callers: Callers,
    private readonly clock: Clock,
  ) {}

  /**
   * Called on the hot path while `ClientLimits.isAnyoneFlooding`.
   *
   * @param handle is called later if the request is held, and its caller is still there
   * @returns whether it is held
   */
  hold(request: IncomingMessage, response: ServerResponse, handle: Handle): boolean {
    const nowMonoMs = this.clock.monotonicMs();
    const name = this.lineOf(request, nowMonoMs);
    if (name === null) return false;
    const line = this.line(name, nowMonoMs);
    if (line.waiting.length === 0 && line.nextMonoMs <= nowMonoMs) {
      line.nextMonoMs = nowMonoMs + line.spacingMs;
      return false;
    }
    if (this.count >= MAX_HELD || !isSmall(request)) return false;
    line.waiting.push({ request, response, handle });
    this.count += 1;
    if (this.count === 1) this.clock.after(LOOK_MS, this.look);
    if (name !== WRONG_KEYS) this.limits.held(name, nowMonoMs, remoteOf(request.socket));
    return true;
  }

  /** Null for a request that need not stand in any. */
  private lineOf(request: IncomingMessage, nowMonoMs: number): string | null {
    const who = this.callers.of(request);
    if (who.kind === 'ok') return this.limits.isFlooding(who.client.name, nowMonoMs) ? who.client.name : null;
    const isGuess = who.kind === 'unknown' && this.limits.isGuessing(remoteOf(request.socket), nowMonoMs);
    return isGuess ? WRONG_KEYS : null;
  }

  private line(name: string, nowMonoMs: number): Line {
    const perSecond = name === WRONG_KEYS ? 0 : this.limits.of(name).rate.requestsPerSecond;
    const line = this.lines.get(name) ?? { nextMonoMs: nowMonoMs, spacingMs: 0, waiting: [] };
    line.spacingMs = 1000 / Math.max(perSecond, MIN_PER_SECOND);
    this.lines.set(name, line);
    return line;
  }

  /** One in each turn of the loop, which reads in between what others have sent. */
  private readonly look = (): void => {
    const held = this.takeDue(this.clock.monotonicMs());
    const isLast = this.count === 0;
    try {
      if (held?.response.destroyed === false) held.handle(held.request, held.response);
    } finally {
      if (!isLast) this.planNext(held !== undefined);
    }
  };

  private planNext(isInTurn: boolean): void {
    // eslint-disable-next-line no-restricted-globals -- a turn of the loop, which is neither time nor chance
    if (isInTurn) setImmediate(this.look);
    else this.clock.after(LOOK_MS, this.look);
  }

  private takeDue(nowMonoMs: number): Held | undefined {
    for (const [name, line] of this.lines) {
      line.nextMonoMs = Math.max(line.nextMonoMs, nowMonoMs - MAX_LATE_MS);
      if (line.nextMonoMs > nowMonoMs) continue;
      this.lines.delete(name);
      const held = line.waiting.shift();
      if (held === undefined) continue;
      line.nextMonoMs += line.spacingMs;
      this.count -= 1;
      // Behind the others: whoever has a high rate does not keep them waiting.
      this.lines.set(name, line);
      return held;
    }
    return undefined;
  }
}

/** What comes with a larger body, or one of unknown length, would take memory while it waits. */
function isSmall({ headers }: IncomingMessage): boolean {
  return (
    headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= MAX_BODY_BYTES
  );
}
