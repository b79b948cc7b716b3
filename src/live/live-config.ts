import { Injectable } from '@nestjs/common';
import { Callers } from '../api/auth/callers.js';
import { ConfigStatus, type ConfigState } from '../api/config/config.controller.js';
import { Gateway } from '../api/gateway/gateway.js';
import { AuditTrail } from '../api/common/request.js';
import { ClientLimits } from '../api/limits/client-limits.js';
import { TokenEventStreams } from '../api/tokens/token-event-streams.js';
import { Config } from '../config/config.js';
import { fileAtFault } from '../config/config-dir.js';
import { ConfigError } from '../config/faults.js';
import { ConfiguredApps } from '../composition/configured-apps.js';
import { TokenBroker } from '../core/broker.js';
import { LoginService } from '../core/login/login-service.js';
import { Clock } from '../core/ports/clock.js';
import { Metrics } from '../observability/metrics.js';
import { Runtime } from '../composition/runtime.module.js';
import {
  changesBetween,
  inForce,
  isSameAccount,
  type ConfigChange,
  auditedConfig,
} from '../config/config-changes.js';
import { KeyExpiry } from './key-expiry.js';
import { SecretFiles } from './secret-files.js';

const NOT_TAKEN_OVER = 'the configuration could not be taken over: the log says why';
/** As the metric calls it; no file of configDir has this name. */
const MAIN_FILE = 'main';

/**
 * Takes over a changed configuration while the broker runs. A file is read and checked whole; then either all of it that needs
 * no restart is in force, or nothing.
 */
@Injectable()
export class LiveConfig extends ConfigStatus {
  private current: ConfigState;
  /** What the parts of the broker go by. */
  private config: Config;
  /** Of each fault. */
  private filesAtFault: readonly string[] = [];

  constructor(
    private readonly runtime: Runtime,
    private readonly clock: Clock,
    private readonly apps: ConfiguredApps,
    private readonly broker: TokenBroker,
    private readonly logins: LoginService,
    private readonly gateway: Gateway,
    private readonly callers: Callers,
    private readonly streams: TokenEventStreams,
    private readonly secretFiles: SecretFiles,
    private readonly metrics: Metrics,
    private readonly limits: ClientLimits,
    private readonly audit: AuditTrail,
    private readonly keyExpiry: KeyExpiry,
  ) {
    super();
    const { config } = runtime;
    this.config = config;
    this.current = {
      loadedAtMs: clock.wallMs(),
      sha256: config.sha256,
      faults: [],
      restartRequired: [],
    };
    metrics.watchKeys(() => callers.keys);
    this.show();
  }

  override get state(): ConfigState {
    return this.current;
  }

  /** From now on files are looked at. */
  start(): void {
    this.audit.configured(auditedConfig(this.config, this.current.sha256));
    this.secretFiles.follow(this.config.apps);
    this.keyExpiry.follow(this.config.clients);
  }

  /** Reads the file now, whether it changed or not. Never throws. */
  reload(): void {
    const { source, logger } = this.runtime;
    try {
      const next = source.load();
      const { sha256 } = next;
      const changes = changesBetween(this.config, next);
      this.apply(next);
      const restartRequired = changes.filter(isForRestart).map(({ path }) => path);
      const news = changes
        .filter((change) => !isForRestart(change))
        .map(({ path, effect }) => `${path}: ${effect}`);
      this.current = { loadedAtMs: this.clock.wallMs(), sha256, faults: [], restartRequired };
      this.filesAtFault = [];
      this.audit.configured(auditedConfig(this.config, sha256));
      logger.info(
        { event: 'config.reloaded', changes: news, sha256 },
        news.length > 0
          ? 'the configuration is in force'
          : `the configuration was read again: nothing ${changes.length > 0 ? 'takes effect at once' : 'changed'}`,
      );
      for (const { path, text } of next.warnings)
        logger.warn({ event: 'config.warning', path }, `${path}: ${text}`);
      if (restartRequired.length > 0) {
        logger.warn(
          { event: 'config.restart_required', paths: restartRequired },
          'a part of the configuration holds only after a restart; all else is in force',
        );
      }
    } catch (error) {
      const known = error instanceof ConfigError ? error.faults : [];
      const faults = known.length > 0 ? known.map(({ path, text }) => `${path}: ${text}`) : [NOT_TAKEN_OVER];
      this.current = { ...this.current, faults };
      this.filesAtFault =
        known.length > 0 ? known.map((fault) => fileAtFault(fault) ?? MAIN_FILE) : [MAIN_FILE];
      logger.error(
        { event: 'config.rejected', faults, ...(!(error instanceof ConfigError) && { err: error }) },
        'the configuration that was read has faults: nothing of it is in force, all goes on as before',
      );
    }
    this.show();
  }

  /** Takes all of it over, or nothing. */
  private apply(next: Config): void {
    const config = this.takenOver(next);
    try {
      this.tell(config);
    } catch (error) {
      this.tell(this.config);
      throw error;
    }
    this.config = config;
  }

  /** In this order: callers never see an app that the broker does not keep. */
  private tell(config: Config): void {
    this.apps.configure(config);
    const definitions = this.apps.definitions();
    const gone = this.broker.configure(definitions, config.limits);
    this.logins.configure(this.apps.logins(this.broker));
    this.gateway.configure(this.apps.gateway());
    this.callers.replace(
      { clients: config.clients, issuers: config.identities?.jwt ?? [] },
      this.broker.apps,
    );
    this.limits.configure(config);
    this.secretFiles.follow(config.apps);
    this.keyExpiry.follow(config.clients);
    this.streams.recheck(gone);
    const kept = new Set(this.broker.apps);
    this.metrics.configure(config.metrics);
    this.metrics.forget(new Set([...gone].filter((app) => !kept.has(app))));
  }

  /** The new configuration, but for what only a restart takes over. */
  private takenOver(next: Config): Config {
    const before = new Map(this.config.apps.map((app) => [app.name, app]));
    const apps = next.apps.map((app) => {
      const running = before.get(app.name);
      return running && isSameAccount(running, app) ? inForce(running, app) : app;
    });
    const { clients, configDir, gateway, egress, identities, rate, auth, limits, metrics } = next;
    const live = { apps, clients, configDir, gateway, egress, identities, rate, auth, limits, metrics };
    return Object.freeze(Object.assign(new Config(), this.runtime.config, live) as Config);
  }

  private show(): void {
    const { configReloadSuccessful, configReloadTime, configFaults } = this.metrics.catalogue;
    configFaults.reset();
    for (const file of this.filesAtFault) configFaults.inc({ file });
    configReloadSuccessful.set(this.current.faults.length === 0 ? 1 : 0);
    configReloadTime.set(this.current.loadedAtMs / 1000);
  }
}

function isForRestart({ effect }: ConfigChange): boolean {
  return effect === 'restart_required';
}
