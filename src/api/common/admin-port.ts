import {
  Global,
  Injectable,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerTlsSection } from '../../config/server.section.js';
import { answerInTurn } from './answer-in-turn.js';
import { createServer } from './create-fastify-adapter.js';
import { OpenConnections } from './open-connections.js';
import { HttpObserver } from './request.js';

/**
 * A second port, for what operators ask and callers need not see. It has the same routes, of which each declares where it is:
 * `port: 'admin'` there alone, `'both'` on either; all others are for callers. Without it the port of callers has all of them.
 */
export class AdminPort {
  private readonly requests = new WeakSet<IncomingMessage>();

  constructor(
    /** 0: any free one; null: there is none. */
    readonly number: number | null,
    readonly tls: ServerTlsSection | undefined,
  ) {}

  add(request: IncomingMessage): void {
    this.requests.add(request);
  }

  /** Whether the answer may name apps: on the admin port, or where there is none. */
  isForOperators(request: IncomingMessage): boolean {
    return this.number === null || this.requests.has(request);
  }
}

@Global()
@Module({})
export class AdminPortModule {
  static forRootAsync(port: Pick<FactoryProvider<AdminPort>, 'inject' | 'useFactory'>): DynamicModule {
    return {
      module: AdminPortModule,
      providers: [{ ...port, provide: AdminPort }],
      exports: [AdminPort],
    };
  }
}

/** Serves the admin port. */
@Injectable()
export class AdminListener implements OnModuleInit {
  private server: Server | null = null;

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly port: AdminPort,
    private readonly connections: OpenConnections,
    private readonly observer: HttpObserver,
  ) {}

  /** None, or one. */
  get servers(): readonly Server[] {
    return this.server ? [this.server] : [];
  }

  onModuleInit(): void {
    const { port } = this;
    if (port.number === null) return;
    const fastify = this.adapterHost.httpAdapter.getInstance();
    const server = createServer(port.tls, (request, response) => {
      port.add(request);
      fastify.routing(request, response);
    });
    this.server = server;
    answerInTurn(server, this.observer, () => false);
    this.connections.watch(server);
    fastify.addHook('onRequest', (request, reply, done) => {
      const { port: where = 'callers' } = request.routeOptions.config.api ?? {};
      const isHere = where === 'both' || (where === 'admin') === port.isForOperators(request.raw);
      if (isHere || request.is404) done();
      else reply.callNotFound();
    });
    fastify.addHook('onClose', async () => {
      server.close();
      server.closeAllConnections();
    });
  }

  /** Resolves with the URL; null without a port of its own. */
  async listen(host: string): Promise<string | null> {
    const { server, port } = this;
    if (server === null) return null;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port.number ?? 0, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const { address, family, port: bound } = server.address() as AddressInfo;
    return `${port.tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
  }
}
