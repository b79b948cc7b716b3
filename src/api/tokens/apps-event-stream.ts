import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/ports/clock.js';
import type { AppName, HeldToken } from '../../core/token.js';
import { tokenView } from './tokens.api.js';

/** What is written to many streams, as it is and as a chunk of HTTP/1.1, so that each of them costs one plain write. */
export interface Bytes {
  readonly plain: Buffer;
  readonly chunk: Buffer;
}

export const HEARTBEAT = asChunk(':\n\n');

export function asChunk(text: string): Bytes {
  const plain = Buffer.from(text);
  const size = plain.length.toString(16);
  return { plain, chunk: Buffer.from(`${size}\r\n${text}\r\n`) };
}

/** A token as a server-sent event, as text. It counts down from `nowMonoMs`, so it is made when it is sent. */
export function tokenEvent(app: AppName, held: HeldToken, nowMonoMs: number): string {
  const data = JSON.stringify(tokenView(app, held, nowMonoMs));
  return `event: token\nid: ${held.record.generation}\ndata: ${data}\n\n`;
}

/** To a stream whose head is sent, so that what the response would do is to frame the chunk, in three times the time. */
export function writeBytes(response: ServerResponse, { plain, chunk }: Bytes): void {
  if (response.writableEnded) return;
  // Without a socket an earlier answer on the same connection is not over yet.
  if (response.socket) response.socket.write(response.chunkedEncoding ? chunk : plain);
  else response.write(plain);
}

/** Written at a time, before others have their turn: some forty tokens. */
const MAX_BATCH_CHARACTERS = 16 * 1024;
/** More is not written for a reader that is behind; what it misses meanwhile is the newest token of each app, later. */
const MAX_UNSENT_BYTES = 64 * 1024;
const NEXT_LOOK_MS = 50;
/** A reader that took nothing for so long is gone. */
const MAX_BEHIND_MS = 30_000;

/**
 * One open stream for many apps. It keeps no events but the names of the apps whose newest token is not written yet, so that the
 * 10,000 tokens of a new reader and a reader that is slow cost no memory.
 */
export class AppsEventStream {
  private apps: ReadonlySet<AppName> = new Set();
  private readonly pending = new Set<AppName>();
  private stopTimer: (() => void) | null = null;
  private behindSinceMonoMs: number | null = null;

  /** @param eventOf the current token of the app as an event; null while there is none to serve */
  constructor(
    private readonly response: ServerResponse,
    private readonly eventOf: (app: AppName) => string | null,
    private readonly clock: Clock,
  ) {
    response.once('close', () => {
      this.stopTimer?.();
      this.pending.clear();
    });
  }

  /** These from now on. The tokens of those that are new are written. */
  follow(apps: Iterable<AppName>): void {
    const before = this.apps;
    this.apps = new Set(apps);
    for (const app of this.pending) if (!this.apps.has(app)) this.pending.delete(app);
    for (const app of this.apps) if (!before.has(app)) this.pending.add(app);
    this.pump();
  }

  /** The app has a newer token. */
  announce(app: AppName): void {
    if (!this.apps.has(app)) return;
    this.pending.add(app);
    this.pump();
  }

  /** A sign of life, for which tokens of apps that had none before are as good. */
  beat(): void {
    if (this.behindSinceMonoMs === null) writeBytes(this.response, HEARTBEAT);
    this.pump();
  }

  end(): void {
    this.response.end();
  }

  private pump(): void {
    if (this.stopTimer || this.response.writableEnded || this.response.destroyed) return;
    if (this.response.writableLength > MAX_UNSENT_BYTES) {
      this.waitForReader();
      return;
    }
    this.behindSinceMonoMs = null;
    let text = '';
    for (const app of this.pending) {
      const event = this.eventOf(app);
      if (event === null) continue;
      this.pending.delete(app);
      text += event;
      if (text.length < MAX_BATCH_CHARACTERS) continue;
      this.pumpAfter(0);
      break;
    }
    if (text !== '') writeBytes(this.response, asChunk(text));
  }

  private waitForReader(): void {
    const nowMonoMs = this.clock.monotonicMs();
    this.behindSinceMonoMs ??= nowMonoMs;
    if (nowMonoMs - this.behindSinceMonoMs > MAX_BEHIND_MS) this.response.destroy();
    else this.pumpAfter(NEXT_LOOK_MS);
  }

  private pumpAfter(delayMs: number): void {
    this.stopTimer = this.clock.after(delayMs, () => {
      this.stopTimer = null;
      this.pump();
    });
  }
}
