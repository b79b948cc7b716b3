import { createHash } from 'node:crypto';
import { Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AppStatus } from '../../src/core/status/app-status.js';
import { Clock } from '../../src/core/ports/clock.js';
import { GatewaySettings, type GatewayApp } from '../../src/core/ports/gateway-profile.js';
import { VirtualTokens } from '../../src/core/virtual-tokens.js';
import { answerBadUrl } from '../../src/compat/wechat/platform-paths.js';
import { TicketBroker } from '../../src/core/ticket-broker.js';
import { TokenBroker } from '../../src/core/broker.js';
import type { AuditEntry } from '../../src/core/ports/audit-entry.js';
import {
  AuditTrail,
  HttpObserver,
  NO_TRACING,
  RequestTracing,
  IdentityObserver,
} from '../../src/api/common/request.js';
import { createFastifyAdapter } from '../../src/api/common/create-fastify-adapter.js';
import type { ClientSection } from '../../src/config/client.section.js';
import { AuthSection, LimitsSection, RateSection } from '../../src/config/limits.section.js';
import type { JwtIssuerSection } from '../../src/config/identities.section.js';
import {
  ConfigStatusModule,
  ConfigStatus,
  type ConfigState,
} from '../../src/api/config/config.controller.js';
import { AppsModule } from '../../src/api/apps/apps.controller.js';
import { AuthModule } from '../../src/api/auth/auth.module.js';
import { AdminListener, AdminPort, AdminPortModule } from '../../src/api/common/admin-port.js';
import { EdgeModule } from '../../src/api/common/edge.module.js';
import { GatewayModule } from '../../src/api/gateway/gateway.module.js';
import { GatewayObserver, type CallOutcome } from '../../src/api/gateway/gateway-observer.js';
import { HealthModule } from '../../src/api/health/health.controller.js';
import { OAuth2Module } from '../../src/api/oauth2/oauth2.controller.js';
import { TicketsModule } from '../../src/api/tickets/ticket.controller.js';
import { TokensModule } from '../../src/api/tokens/tokens.module.js';
import { UsersModule } from '../../src/api/users/users.controller.js';
import { WechatCompatModule } from '../../src/compat/wechat/drop-in.route.js';
import { WecomCompatModule } from '../../src/compat/wecom/gettoken.route.js';
import { MetricsModule, MetricsSource } from '../../src/api/metrics/metrics.controller.js';
import { mountDocs } from '../../src/api/docs/mount-docs.js';
import { Readiness } from '../../src/api/health/readiness.js';
import { HeldRequests } from '../../src/api/limits/held-requests.js';
import { LoginApiModule } from '../../src/api/login/login.controller.js';
import { LoginService } from '../../src/core/login/login-service.js';
import { FakeConsoleData } from './fake-console-data.js';
import { ConsoleApiModule } from '../../src/api/console/console.module.js';
import { SessionCookies } from '../../src/api/console/session-cookie.js';
import { ConsoleData } from '../../src/core/console/console-data.js';
import { FakeBroker } from './fake-broker.js';
import { FakeIdentityObserver } from './fake-identity-observer.js';
import { FakeLogins } from './fake-logins.js';
import { FakeTickets } from './fake-tickets.js';

/** Stands still until it is told. */
class HandClock extends Clock {
  nowMs = 0;
  readonly timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  monotonicMs(): number {
    return this.nowMs;
  }
  wallMs(): number {
    return this.nowMs;
  }
  random(): number {
    return 0;
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }
  /** Fires what is due by then, but not what that sets. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of [...this.timers]) {
      if (timer.atMs <= this.nowMs && this.timers.delete(timer)) timer.callback();
    }
  }
}

class RecordingObserver extends HttpObserver {
  readonly requests: string[] = [];
  readonly durationsMs: number[] = [];
  readonly denials: string[] = [];
  readonly refusals: string[] = [];
  readonly possibleRefusals: string[] = [];
  readonly overloads: string[] = [];
  request(route: string, method: string, status: number, durationMs: number): void {
    this.requests.push(`${method} ${route} ${String(status)}`);
    this.durationsMs.push(durationMs);
  }
  denied(reason: string, route: string): void {
    this.denials.push(`${reason} ${route}`);
  }
  overloaded(limit: string, remote: string, client?: string): void {
    this.overloads.push([limit, remote, client].filter((part) => part !== undefined).join(' '));
  }
  dropInRefused(route: string, errcode: number): void {
    this.refusals.push(`${route} ${String(errcode)}`);
  }
  dropInMayRefuse(route: string, errcodes: readonly number[]): void {
    this.possibleRefusals.push(...errcodes.map((errcode) => `${route} ${String(errcode)}`));
  }
}

class RecordingGatewayObserver extends GatewayObserver {
  readonly calls: string[] = [];
  retries = 0;
  inFlightNow = 0;
  called(app: string, path: string, outcome: CallOutcome): void {
    this.calls.push(`${app} ${path} ${outcome}`);
  }
  inFlight(_app: string, count: number): void {
    this.inFlightNow = count;
  }
  retried(): void {
    this.retries += 1;
  }
}

class RecordingAudit extends AuditTrail {
  readonly entries: AuditEntry[] = [];
  /** Whether reads would be recorded. */
  isDue = false;
  record(entry: AuditEntry): void {
    this.entries.push(entry);
  }
  configured(): void {
    // The edge has no part in it.
  }
  isReadDue(): boolean {
    return this.isDue;
  }
  readAnswered(): void {
    // What is counted is up to others.
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

/** Counts its renderings; each is as long as it is told. */
class FakeMetrics extends MetricsSource {
  readonly contentType = 'text/plain; version=0.0.4; charset=utf-8';
  renderings = 0;
  padding = '';
  render(): Promise<Buffer> {
    this.renderings += 1;
    return Promise.resolve(Buffer.from(`fake_requests_total 1\n${this.padding}`));
  }
}

/** Says what a test sets. */
class FakeConfigStatus extends ConfigStatus {
  state: ConfigState = {
    loadedAtMs: Date.UTC(2026, 10, 21, 8),
    sha256: 'ab'.repeat(32),
    faults: [],
    restartRequired: [],
  };
}

@Module({})
class FakeCoreModule {
  static of(
    broker: FakeBroker,
    tickets: FakeTickets,
    logins: FakeLogins,
    clock: Clock,
    observer: HttpObserver,
    audit: AuditTrail,
    metrics: MetricsSource,
    gateway: { readonly settings: GatewaySettings; readonly observer: GatewayObserver },
    identities: IdentityObserver,
    config: ConfigStatus,
  ): DynamicModule {
    return {
      module: FakeCoreModule,
      global: true,
      providers: [
        { provide: TokenBroker, useValue: broker },
        { provide: TicketBroker, useValue: tickets },
        { provide: LoginService, useValue: logins },
        { provide: Clock, useValue: clock },
        { provide: HttpObserver, useValue: observer },
        { provide: AuditTrail, useValue: audit },
        { provide: RequestTracing, useValue: NO_TRACING },
        { provide: MetricsSource, useValue: metrics },
        { provide: GatewaySettings, useValue: gateway.settings },
        { provide: VirtualTokens, useValue: new VirtualTokens([Buffer.alloc(32, 1)], '', clock) },
        { provide: GatewayObserver, useValue: gateway.observer },
        { provide: IdentityObserver, useValue: identities },
        { provide: ConfigStatus, useValue: config },
      ],
      exports: [
        TokenBroker,
        TicketBroker,
        LoginService,
        Clock,
        HttpObserver,
        AuditTrail,
        RequestTracing,
        MetricsSource,
        GatewaySettings,
        VirtualTokens,
        GatewayObserver,
        IdentityObserver,
        ConfigStatus,
      ],
    };
  }
}

@Module({})
class FakeConsoleModule {
  static of(data: FakeConsoleData): DynamicModule {
    const provider = { provide: ConsoleData, useValue: data };
    return { module: FakeConsoleModule, global: true, providers: [provider], exports: [provider] };
  }
}

function ofConsole(clock: Clock): DynamicModule {
  return ConsoleApiModule.forRootAsync({
    useFactory: () => new SessionCookies([Buffer.alloc(32, 1)], '', clock),
  });
}

@Module({})
class EdgeTestModule {}

/** A client whose API key is `key-of-<name>`. */
export function apiClient(name: string, rights: Partial<ClientSection> = {}): ClientSection {
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
  readonly clients?: readonly ClientSection[];
  /** Of JWTs. */
  readonly issuers?: readonly JwtIssuerSection[];
  readonly auth?: Partial<AuthSection>;
  readonly limits?: Partial<LimitsSection>;
  readonly docs?: boolean;
  /** Whether there is a console. */
  readonly console?: boolean;
  /** Null: none. */
  readonly adminPort?: number | null;
  /** What differs from the fake broker's usual answer. */
  readonly statuses?: Readonly<Record<string, Partial<AppStatus>>>;
  /** Whose platforms take calls; none. */
  readonly gateway?: { readonly apps: readonly GatewayApp[]; readonly maxInFlightPerApp?: number };
}

/** The HTTP edge over fakes, with its filter, guard and hooks, and without a socket. Close `app` after use. */
export async function createEdge({
  apps = ['shop', 'blog'],
  clients = [apiClient('orders')],
  issuers = [],
  auth = {},
  limits = {},
  docs = false,
  console: hasConsole = false,
  adminPort = null,
  statuses = {},
  gateway = { apps: [] },
}: EdgeOptions = {}) {
  const broker = new FakeBroker(apps);
  for (const [app, status] of Object.entries(statuses)) broker.statuses.set(app, status);
  const tickets = new FakeTickets();
  const logins = new FakeLogins();
  const clock = new HandClock();
  const observer = new RecordingObserver();
  const audit = new RecordingAudit();
  const logger = new RecordingLogger();
  const metrics = new FakeMetrics();
  const gatewayObserver = new RecordingGatewayObserver();
  const identities = new FakeIdentityObserver();
  const config = new FakeConfigStatus();
  const consoleData = new FakeConsoleData(broker, clock);
  const settings = { maxInFlightPerApp: 512, spoolDirectory: null, ...gateway };
  const app = await NestFactory.create<NestFastifyApplication>(
    {
      module: EdgeTestModule,
      imports: [
        FakeCoreModule.of(
          broker,
          tickets,
          logins,
          clock,
          observer,
          audit,
          metrics,
          { settings, observer: gatewayObserver },
          identities,
          config,
        ),
        AuthModule.forRootAsync({
          useFactory: () => ({
            clients,
            issuers,
            rate: new RateSection(),
            auth: Object.assign(new AuthSection(), auth),
            limits: Object.assign(new LimitsSection(), limits),
          }),
        }),
        AdminPortModule.forRootAsync({ useFactory: () => new AdminPort(adminPort, undefined) }),
        EdgeModule,
        TokensModule,
        TicketsModule,
        OAuth2Module,
        LoginApiModule,
        GatewayModule,
        UsersModule,
        AppsModule,
        ConfigStatusModule,
        HealthModule,
        MetricsModule,
        WechatCompatModule,
        WecomCompatModule,
        ...(hasConsole ? [FakeConsoleModule.of(consoleData), ofConsole(clock)] : []),
      ],
    },
    createFastifyAdapter({ trustProxy: false, replica: 'replica-1', answerBadUrl }),
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
  return {
    app,
    broker,
    tickets,
    logins,
    clock,
    observer,
    gatewayObserver,
    identities,
    config,
    consoleData,
    audit,
    metrics,
    logger,
    send,
    readiness: app.get(Readiness),
    admin: app.get(AdminListener),
    held: app.get(HeldRequests),
  };
}

export type Edge = Awaited<ReturnType<typeof createEdge>>;
