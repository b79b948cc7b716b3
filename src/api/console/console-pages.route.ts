import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpObserver, RequestTracing } from '../common/ports.js';
import { CONSOLE_STREAM, originOf } from '../common/request.js';
import { ClientLimits } from '../limits/client-limits.js';
import { OPEN_STREAM, READ_PAGE } from './console.api.js';
import { ConsoleSessions, secureHeaders } from './console.guard.js';
import { ConsolePages } from './console-pages.js';
import { ConsoleStreams } from './console-streams.js';

const STREAM_HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // nginx would keep events back until a buffer is full.
  'x-accel-buffering': 'no',
  // Nothing follows on this connection, so it ends with the stream.
  connection: 'close',
};

/** The page, its files and its event stream: plain Fastify routes, since what they answer is no JSON. */
@Injectable()
export class ConsolePagesRoute implements OnModuleInit, BeforeApplicationShutdown {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly pages: ConsolePages,
    private readonly sessions: ConsoleSessions,
    private readonly streams: ConsoleStreams,
    private readonly limits: ClientLimits,
    private readonly observer: HttpObserver,
    private readonly tracing: RequestTracing,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    const page = { config: { api: READ_PAGE } };
    fastify.get('/console', page, (request, reply) => this.file('', request, reply));
    fastify.get<{ Params: { '*': string } }>('/console/*', page, (request, reply) =>
      this.file(request.params['*'], request, reply),
    );
    const stream = { exposeHeadRoute: false, config: { api: OPEN_STREAM } };
    fastify.get(CONSOLE_STREAM, stream, (request, reply) => this.open(request, reply));
  }

  /** Before the server waits for open answers to end. */
  beforeApplicationShutdown(): void {
    this.streams.end();
  }

  private file(path: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const file = this.pages.get(path, request.headers['accept-encoding']);
    if (!file) {
      reply.callNotFound();
      return reply;
    }
    return secureHeaders(reply).headers(file.headers).send(file.bytes);
  }

  private async open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const who = await this.sessions.authenticate(request, 'console');
    const { client } = who;
    if (reply.raw.destroyed) {
      reply.hijack();
      return;
    }
    reply.raw.once('close', this.limits.openStream(client.name, originOf(request).remote));
    reply.hijack();
    reply.raw.writeHead(200, { ...STREAM_HEAD, 'x-request-id': request.id });
    this.streams.open(reply.raw, () => this.sessions.recheck(who));
    // It has begun, and that is what is measured: how long it lasts is up to the reader.
    this.observer.request(CONSOLE_STREAM, request.method, 200, reply.elapsedTime);
    this.tracing.of(request.raw)?.end(CONSOLE_STREAM, request.method, 200);
  }
}
