import { createHash } from 'node:crypto';
import { Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Clock } from '../../src/core/clock.js';
import { TokenBroker } from '../../src/core/token-broker.js';
import { createFastifyAdapter } from '../../src/http/create-fastify-adapter.js';
import { HttpObserver } from '../../src/http/http-observer.js';
import type { ApiClient } from '../../src/http/http-settings.js';
import { HttpModule } from '../../src/http/http.module.js';
import { MetricsSource } from '../../src/http/metrics.controller.js';
import { mountDocs } from '../../src/http/mount-docs.js';
import { Readiness } from '../../src/http/readiness.js';
import { FakeBroker } from './fake-broker.js';

/** Stands still until it is told. */
class HandClock extends Clock {
  nowMs = 0;
  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
  random(): number {
    return 0;
  }
  after(): () => void {
    throw new Error('The HTTP edge sets no timers.');
  }
}

class RecordingObserver extends HttpObserver {
  readonly requests: string[] = [];
  readonly durationsMs: number[] = [];
  readonly denials: string[] = [];
  request(route: string, method: string, status: number, durationMs: number): void {
    this.requests.push(`${method} ${route} ${String(status)}`);
    this.durationsMs.push(durationMs);
  }
  denied(reason: string, route: string): void {
    this.denials.push(`${reason} ${route}`);
  }
}

class RecordingLogger implements LoggerService {
  readonly errors: string[] = [];
  log(): void {
    // Nest's start-up lines are of no interest.
  }
  warn(): void {
    // Neither are its warnings.
  }
  error(...parts: unknown[]): void {
    this.errors.push(parts.map(String).join(' '));
  }
}

const FAKE_METRICS: MetricsSource = {
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  render: () => Promise.resolve('fake_requests_total 1\n'),
};

@Module({})
class FakeCoreModule {
  static of(broker: FakeBroker, clock: Clock, observer: HttpObserver): DynamicModule {
    return {
      module: FakeCoreModule,
      providers: [
        { provide: TokenBroker, useValue: broker },
        { provide: Clock, useValue: clock },
        { provide: HttpObserver, useValue: observer },
        { provide: MetricsSource, useValue: FAKE_METRICS },
      ],
      exports: [TokenBroker, Clock, HttpObserver, MetricsSource],
    };
  }
}

/** A client whose API key is `key-of-<name>`. */
export function apiClient(name: string, rights: Partial<ApiClient> = {}): ApiClient {
  return {
    name,
    keySha256: [createHash('sha256').update(keyOf(name)).digest('hex')],
    apps: '*',
    scopes: ['token:read', 'token:refresh'],
    ...rights,
  };
}

export function keyOf(name: string): string {
  return `key-of-${name}`;
}

export interface EdgeOptions {
  readonly apps?: readonly string[];
  readonly clients?: readonly ApiClient[];
  readonly docs?: boolean;
}

/** The HTTP edge over fakes, with its filter, guard and hooks, and without a socket. Close `app` after use. */
export async function createEdge({
  apps = ['shop', 'blog'],
  clients = [apiClient('orders')],
  docs = false,
}: EdgeOptions = {}) {
  const broker = new FakeBroker(apps);
  const clock = new HandClock();
  const observer = new RecordingObserver();
  const logger = new RecordingLogger();
  const app = await NestFactory.create<NestFastifyApplication>(
    HttpModule.register({ imports: [FakeCoreModule.of(broker, clock, observer)], clients }),
    createFastifyAdapter({ trustProxy: false, replica: 'replica-1' }),
    { bodyParser: false, logger, abortOnError: false },
  );
  if (docs) await mountDocs(app);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();

  /** Sends with the key of the client named, or without one. */
  const send = (method: 'GET' | 'POST' | 'HEAD' | 'PUT', url: string, client?: string, payload?: unknown) =>
    app.inject({
      method,
      url,
      ...(client === undefined ? {} : { headers: { authorization: `Bearer ${keyOf(client)}` } }),
      ...(payload === undefined ? {} : { payload: payload as object }),
    });
  return { app, broker, clock, observer, logger, send, readiness: app.get(Readiness) };
}

export type Edge = Awaited<ReturnType<typeof createEdge>>;
