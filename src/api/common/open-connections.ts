import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Clock } from '../../core/ports/clock.js';
import { ClientLimits } from '../limits/client-limits.js';
import { ConnectionLimits } from '../limits/connection-limits.js';
import { connectionEventOf, remoteOf, HttpObserver } from './request.js';

/** For a caller to send the rest of its request, or to read its answer, once the server closes. */
const PATIENCE_MS = 2000;
/** For a caller to read any part of its answer. */
const READ_WITHIN_MS = 30_000;
const LOOK_FOR_UNREAD_MS = 5000;

/**
 * Ends the connections of callers who do not read their answers, and those that would keep a closing server from ever being closed. Node ends those that are idle between two
 * requests; but one on which nothing was sent yet, or half a request, or whose caller does not read, it awaits for good.
 * Answers that are still being worked out are awaited: the platform's time limit bounds them.
 */
@Injectable()
export class OpenConnections implements OnModuleInit {
  /**
   * With the answer that is under way. Entries last as long as their connections: a Map whose entries come and go with each
   * request leaves dead tables behind, which keep all that they held until the next full collection.
   */
  private readonly open = new Map<Socket, FastifyReply | null>();
  /** Connections with bytes that the network does not take: how many it took before, and since when. */
  private readonly unread = new Map<Socket, { readonly takenBytes: number; readonly sinceMonoMs: number }>();
  private stopLooking: () => void = () => undefined;

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly clock: Clock,
    private readonly observer: HttpObserver,
    private readonly limits: ClientLimits,
  ) {}

  onModuleInit(): void {
    const { httpAdapter } = this.adapterHost;
    this.watch(httpAdapter.getHttpServer());
    const fastify = httpAdapter.getInstance();
    fastify.addHook('onRequest', ({ raw }, reply, done) => {
      this.answers(raw.socket, reply);
      done();
    });
    fastify.addHook('onResponse', ({ raw }, _reply, done) => {
      this.answers(raw.socket, null);
      done();
    });
    this.lookForUnread();
    fastify.addHook('preClose', (done) => {
      this.stopLooking();
      this.clock.after(PATIENCE_MS, this.sweep);
      done();
    });
  }

  /** Those of one more server, besides the adapter's. Each has as many as the limits allow. */
  watch(server: Server): void {
    new ConnectionLimits(() => this.limits.maxConnections, this.observer).guard(server);
    server.on(connectionEventOf(server), (socket: Socket) => {
      this.open.set(socket, null);
      // An answer that its caller cut off, as event streams usually end, is no response to the hooks.
      socket.once('close', () => {
        this.open.delete(socket);
        this.unread.delete(socket);
      });
    });
  }

  /** Nothing for a request that came over no connection. */
  private answers(socket: Socket, reply: FastifyReply | null): void {
    if (this.open.has(socket)) this.open.set(socket, reply);
  }

  private readonly lookForUnread = (): void => {
    const nowMonoMs = this.clock.monotonicMs();
    for (const socket of this.open.keys()) {
      const last = this.unread.get(socket);
      const takenBytes = takenBytesOf(socket);
      if (socket.writableLength === 0) this.unread.delete(socket);
      else if (last?.takenBytes !== takenBytes)
        this.unread.set(socket, { takenBytes, sinceMonoMs: nowMonoMs });
      else if (nowMonoMs - last.sinceMonoMs >= READ_WITHIN_MS) {
        this.observer.overloaded('unread', remoteOf(socket));
        this.open.delete(socket);
        socket.destroy();
      }
    }
    this.stopLooking = this.clock.after(LOOK_FOR_UNREAD_MS, this.lookForUnread);
  };

  private readonly sweep = (): void => {
    for (const [socket, reply] of this.open) if (!isAwaited(reply)) socket.destroy();
    if (this.open.size > 0) this.clock.after(PATIENCE_MS, this.sweep);
  };
}

/** Whether a caller, whose request is there, has to wait for us. */
function isAwaited(reply: FastifyReply | null): boolean {
  return reply !== null && reply.request.raw.complete && !reply.raw.writableEnded;
}

/** Grows as the network takes bytes of a socket, also while it takes a part of one large write: Node's own time limit looks at the same queue. */
function takenBytesOf(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { readonly writeQueueSize?: number } | null };
  return socket.bytesWritten - socket.writableLength - (handle?.writeQueueSize ?? 0);
}
