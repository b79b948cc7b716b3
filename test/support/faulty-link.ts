import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `stall` keeps the bytes until it is over, as TCP does in a short partition; `drop` loses them for good. */
export type Flow = 'pass' | 'stall' | 'drop' | { readonly delayMs: number };

/**
 * What happens to one request. `reset_before`: the server never sees it. `reset_after`: the server gets it, and the
 * connection is reset instead of the reply. `lose_reply`: the server gets it, and nothing comes back on this connection
 * any more. `hold_request`, `hold_reply`: that direction of the connection stalls until the proxy heals.
 */
export type RequestFault = 'reset_before' | 'reset_after' | 'lose_reply' | 'hold_request' | 'hold_reply';

type Direction = 'requests' | 'replies';

/** What a link asks of its proxy. */
export interface LinkFaults {
  readonly requests: Flow;
  readonly replies: Flow;
  /** Resolves when a flow may have changed. */
  changed(): Promise<void>;
  /** The planned fault that hits these bytes of a client. */
  takeFault(bytes: Buffer): RequestFault | undefined;
}

/** One connection through a `FaultProxy`. Chunks keep their order whatever happens to them. */
export class FaultyLink {
  /** Both ends are. */
  readonly closed: Promise<unknown>;
  private readonly server: Socket | null;
  private readonly own: Record<Direction, Flow> = { requests: 'pass', replies: 'pass' };
  private readonly tails: Record<Direction, Promise<void>> = {
    requests: Promise.resolve(),
    replies: Promise.resolve(),
  };
  private isResetOnReply = false;

  /** Without a target it is a connection to nothing. */
  constructor(
    private readonly proxy: LinkFaults,
    private readonly client: Socket,
    target: { readonly port: number; readonly localAddress: string | undefined } | null,
  ) {
    this.server =
      target === null ? null : connect({ ...target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    if (!this.server) this.own.requests = 'drop';
    this.carry('requests', client, this.server);
    if (this.server) this.carry('replies', this.server, client);
    client.once('close', () => void this.tails.requests.then(() => this.server?.destroy()));
    this.closed = Promise.all([closeOf(client), this.server && closeOf(this.server)]);
  }

  reset(): void {
    this.client.resetAndDestroy();
    this.server?.resetAndDestroy();
  }

  forgetServer(): void {
    this.own.requests = 'drop';
    this.own.replies = 'drop';
    this.server?.resetAndDestroy();
  }

  heal(): void {
    if (this.own.requests === 'drop' || this.own.replies === 'drop') this.reset();
    this.own.requests = 'pass';
    this.own.replies = 'pass';
  }

  private carry(direction: Direction, from: Socket, to: Socket | null): void {
    const queue = (bytes: Buffer | null): void => {
      const arrivedMs = performance.now();
      this.tails[direction] = this.tails[direction].then(() => this.pass(direction, bytes, arrivedMs, to));
    };
    from.on('data', queue);
    from.once('end', () => {
      queue(null);
    });
    from.on('error', () => undefined);
    from.once('close', (isBroken) => {
      if (isBroken) queue(null);
    });
  }

  /** `null` is the end of the stream. */
  private async pass(
    direction: Direction,
    bytes: Buffer | null,
    arrivedMs: number,
    to: Socket | null,
  ): Promise<void> {
    if (bytes && direction === 'requests' && this.isHit(bytes)) return;
    if (bytes && direction === 'replies' && this.isResetOnReply) {
      this.reset();
      return;
    }
    while (this.isStalled(direction)) await this.proxy.changed();
    const flow = this.own[direction] === 'pass' ? this.proxy[direction] : this.own[direction];
    if (flow === 'drop' || !to) {
      // What follows a gap must not arrive either.
      this.own[direction] = 'drop';
      return;
    }
    if (typeof flow === 'object') await sleep(Math.max(0, arrivedMs + flow.delayMs - performance.now()));
    if (to.destroyed) return;
    if (bytes) to.write(bytes);
    else to.end();
  }

  /** Whether a planned fault keeps these bytes from the server. */
  private isHit(bytes: Buffer): boolean {
    switch (this.proxy.takeFault(bytes)) {
      case 'reset_before':
        this.reset();
        return true;
      case 'reset_after':
        this.isResetOnReply = true;
        return false;
      case 'lose_reply':
        this.own.replies = 'drop';
        return false;
      case 'hold_request':
        this.own.requests = 'stall';
        return false;
      case 'hold_reply':
        this.own.replies = 'stall';
        return false;
      case undefined:
        return false;
    }
  }

  private isStalled(direction: Direction): boolean {
    return this.own[direction] === 'stall' || this.proxy[direction] === 'stall';
  }
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
}
