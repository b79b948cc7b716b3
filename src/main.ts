import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { AppModule } from './app.module.js';
import type { Config } from './config/config.js';
import { isFirstRun, withDefaultFile } from './config/environment.js';
import { ConfigError } from './config/faults.js';
import { Redactor } from './core/redaction/redactor.js';
import { Clock } from './core/ports/clock.js';
import { AdminListener } from './api/common/admin-port.js';
import { ListenerTls, TlsObserver, type TlsServer, listenHost, listenRemedy } from './api/common/listener.js';
import { maxOpenFiles, withinOpenFiles } from './api/limits/connection-limits.js';
import { createFastifyAdapter } from './api/common/create-fastify-adapter.js';
import { mountDocs } from './api/docs/mount-docs.js';
import { answerBadUrl } from './compat/wechat/platform-paths.js';
import { createLogger, type Logger, NestLogger, outliveLostLines } from './observability/logger.js';
import { ConfigFiles } from './live/config-files.js';
import { LiveConfig } from './live/live-config.js';
import type { ConfigSource } from './composition/runtime.module.js';
import { tokenShapes } from './platforms/registry.js';
import { readVersion } from './observability/read-version.js';
import './config/ignore-debug.js';
import 'reflect-metadata';

/**
 * Unless something listens to it, Node opens its inspector at this signal, through which anybody on the machine can run code
 * in the process. Node's own `--disable-sigusr1` stops Node 20 from starting.
 */
const INSPECTOR_SIGNAL = 'SIGUSR1';

const MAX_LISTED = 100;

/** With so many apps, the memory that V8 leaves uncollected matters. */
const MANY_APPS = 1000;

/** Those that ask a process to end. Every other signal does what it does by default: one that tells of a crash must end the process. */
const STOP_SIGNALS: NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];
/** How often the broker looks whether npm still runs it. */
const LOOK_FOR_NPM_MS = 500;
/** Has the file read again; without a file it ends the process, as when a terminal closes. */
const RELOAD_SIGNAL = 'SIGHUP';

async function serve(
  config: Config,
  source: ConfigSource,
  redactor: Redactor,
  logger: Logger,
): Promise<void> {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error) => {
      logger.fatal({ event: 'process.crashed', err: error }, 'stopping after an error nobody expected');
      process.exit(1);
    });
  }
  const replica = `${hostname()}-${randomBytes(3).toString('hex')}`;
  const { docs, trustProxy, host, port, tls } = config.server;
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot({ config, source, logger, redactor, replica }),
    createFastifyAdapter({ trustProxy, replica, tls, answerBadUrl }),
    { logger: new NestLogger(logger), bodyParser: false, abortOnError: false },
  );
  const stopSignals = source.path === null ? [...STOP_SIGNALS, RELOAD_SIGNAL] : STOP_SIGNALS;
  app.enableShutdownHooks(stopSignals, { useProcessExit: true });
  for (const signal of stopSignals) {
    process.once(signal, () => {
      logger.info({ event: 'server.stopping', signal }, `${signal}: awaiting what was sent, then stopping`);
    });
  }
  if (docs) await mountDocs(app);
  const live = app.get(LiveConfig);
  live.start();
  if (source.path !== null) {
    process.on(RELOAD_SIGNAL, () => {
      live.reload();
    });
  }
  const address = await listenHost(host ?? null);
  await app.listen(port, address);
  const admin = app.get(AdminListener);
  const adminUrl = await admin.listen(address);
  if (tls) {
    const servers: TlsServer[] = [app.getHttpServer(), ...admin.servers];
    new ListenerTls(tls, servers, app.get(Clock), app.get(TlsObserver));
  }
  announce(config, { url: await app.getUrl(), ...(adminUrl !== null && { adminUrl }) }, replica, logger);
}

function announce(config: Config, urls: object, replica: string, logger: Logger): void {
  for (const { path, text } of config.warnings) {
    logger.warn({ event: 'config.warning', path }, `${path}: ${text}`);
  }
  const files = maxOpenFiles();
  const { connections: wanted } = config.limits;
  const { connections } = withinOpenFiles(config.limits, files);
  if (connections < wanted) {
    logger.warn(
      { event: 'server.few_open_files', files, connections },
      `the process may open ${files} files, so it takes ${connections} connections instead of ${wanted} (limits.connections): raise the limit of open files (ulimit -n, LimitNOFILE), or lower limits.connections`,
    );
  }
  logger.info(
    {
      event: 'server.listening',
      ...urls,
      replica,
      backend: config.redis ? `redis (${config.redis.server.kind})` : 'memory',
      apps: firstOf(config.apps.map(({ name, shownKind }) => `${name} (${shownKind})`)),
      clients: firstOf(config.clients.map(({ name }) => name)),
      version: readVersion(),
      node: process.version,
    },
    'access-token-broker is listening',
  );
}

/** Thousands of names are no log line. */
function firstOf(names: readonly string[]): readonly string[] {
  const more = names.length - MAX_LISTED;
  return more > 0 ? [...names.slice(0, MAX_LISTED), `and ${more} more`] : names;
}

/** npm passes signals on to the shell in which it runs a script; the shell ends, and its child does not. */
function endWithNpm(): void {
  const { ppid, env } = process;
  if (env.npm_lifecycle_event !== 'start') return;
  const look = setInterval(() => {
    if (process.ppid === ppid) return;
    clearInterval(look);
    process.kill(process.pid, 'SIGTERM');
  }, LOOK_FOR_NPM_MS).unref();
}

outliveLostLines();
endWithNpm();
if (process.listenerCount(INSPECTOR_SIGNAL) === 0) {
  process.on(INSPECTOR_SIGNAL, () => {
    console.error('access-token-broker: SIGUSR1 is ignored.');
  });
}
// V8 would have places in the code whose objects outlived some collections make all further ones among the old. Here those are
// the requests under way. Each dead old one keeps young ones alive: all of them would stay until the next full collection.
setFlagsFromString('--no-allocation-site-pretenuring');
const redactor = new Redactor(tokenShapes());
let logger: Logger | undefined;
try {
  if (isFirstRun(withDefaultFile(process.env))) {
    const { configureInBrowser } = await import('./first-run/first-run.js');
    await configureInBrowser(process.env, redactor);
  }
  const source = new ConfigFiles(withDefaultFile(process.env), { redactor, mayAwaitAppSecrets: true });
  const config = source.load();
  logger = createLogger(config.server.logLevel, redactor);
  // By itself V8 lets the heap grow to three times what lives before it collects: with 10,000 apps, 150 MB more.
  if (config.apps.length >= MANY_APPS) setFlagsFromString('--heap-growing-percent=40');
  await serve(config, source, redactor, logger);
} catch (error) {
  const why = error instanceof Error ? error.message : String(error);
  const remedy = listenRemedy(error);
  const text =
    error instanceof ConfigError
      ? why
      : `could not start: ${why}${remedy === undefined ? '' : `; ${remedy}`}`;
  // Even a silent log says why there is no server.
  if (logger?.isLevelEnabled('fatal')) logger.fatal({ event: 'process.start_failed', err: error }, text);
  else console.error(redactor.redact(text));
  process.exit(1);
}
