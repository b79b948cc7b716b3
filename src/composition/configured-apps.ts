import type { AppSection, RefreshDefaults } from '../config/app.section.js';
import type { Config } from '../config/config.js';
import type { ConfiguredApp } from '../core/app-definition.js';
import { AppSecrets } from '../core/app-secrets.js';
import { appTokens } from '../core/ticket-broker.js';
import type { TokenBroker } from '../core/broker.js';
import type { LoginApp } from '../core/login/login-app.js';
import type { GatewaySettings } from '../core/ports/gateway-profile.js';
import type { AppName } from '../core/token.js';
import { Egress } from '../platforms/http/egress.js';
import { hasToken, platformOf } from '../platforms/registry.js';

/** What the parts of the broker are told of the apps that are configured. An app keeps its way out as long as it has its name. */
export class ConfiguredApps {
  private egresses: ReadonlyMap<AppName, Egress> = new Map();
  /** Those of them that have a token to keep. */
  withToken: readonly AppSection[] = [];

  constructor(private config: Config) {
    this.configure(config);
  }

  /** From now on, all that is asked for is of this configuration, and new connections leave as it says. */
  configure(config: Config): void {
    const before = this.egresses;
    this.config = config;
    this.withToken = config.apps.filter(hasToken);
    this.egresses = new Map(
      config.apps.map((app) => {
        const section = config.egressOf(app);
        const known = before.get(app.name);
        known?.change(section);
        return [app.name, known ?? new Egress(section)];
      }),
    );
  }

  get sections(): readonly AppSection[] {
    return this.config.apps;
  }

  /** In configured order; each with an AppSecret of its own. */
  definitions(): readonly ConfiguredApp[] {
    return this.config.apps.map((app) => definition(app, this.egressOf(app)));
  }

  /** The AppSecrets are those that the broker uses. */
  logins(broker: TokenBroker): readonly LoginApp[] {
    return this.config.apps.flatMap((app): LoginApp[] => {
      const { name, provider, appId } = app;
      const known = broker.definition(name);
      const login = platformOf(provider).login?.(app, this.egressOf(app));
      if (!login || !known) return [];
      return [
        {
          name,
          provider,
          appId,
          login,
          redirectUris: app.login?.redirectUris ?? [],
          callbackBaseUrl: app.login?.callbackBaseUrl ?? null,
          timeoutMs: app.refresh.upstreamTimeoutSeconds * 1000,
          secrets: known.secrets,
          tokens: appTokens(broker, name, 'broker:login'),
        },
      ];
    });
  }

  gateway(): GatewaySettings {
    const { apps, gateway } = this.config;
    return {
      maxInFlightPerApp: gateway.maxInFlightPerApp,
      spoolDirectory: gateway.spoolDirectory ?? null,
      apps: apps.flatMap((app) => {
        const platform = platformOf(app.provider);
        const profile = platform.gateway?.(app);
        const timeoutMs = (gateway.timeoutSeconds ?? app.refresh.upstreamTimeoutSeconds) * 1000;
        if (!profile) return [];
        const egress = this.egressOf(app);
        return [
          {
            name: app.name,
            profile,
            errors: platform.errors,
            timeoutMs,
            connect: (target, options) => egress.connect(target, options),
          },
        ];
      }),
    };
  }

  private egressOf({ name }: AppSection): Egress {
    const egress = this.egresses.get(name);
    if (!egress) throw new Error(`the app "${name}" has no egress`);
    return egress;
  }
}

function definition(app: AppSection, egress: Egress): ConfiguredApp {
  const { name, provider, appId, type, refresh, appSecret } = app;
  const secrets = new AppSecrets(appSecret.fault === null ? appSecret.value() : { fault: appSecret.fault });
  const platform = platformOf(provider);
  const [token] = platform.credentials(app);
  if (!token) {
    if (!type) throw new Error(`the app "${name}" has neither a token nor a type`);
    return { name, provider, appId, type, secrets };
  }
  return {
    name,
    provider,
    type,
    grant: app.grant,
    appId,
    shownId: app.shownId,
    host: new URL(app.apiBaseUrl).host,
    secrets,
    issuer: token.issuer({ egress, source: null }),
    refresh: {
      ...renewal(refresh),
      dayOffsetMs: platform.quotaDayOffsetMs,
      upstreamTimeoutMs: refresh.upstreamTimeoutSeconds * 1000,
      leaseMs: refresh.leaseSeconds * 1000,
      reconcileMs: refresh.reconcileSeconds * 1000,
    },
    tickets: () =>
      platform
        .credentials(app)
        .slice(1)
        .map(({ id, defaults, issuer }) => ({
          type: id,
          refresh: renewal(defaults),
          issuer: (source) => issuer({ egress, source }),
        })),
  };
}

/** What an app's own settings and the defaults of a derived credential have in common. */
function renewal({
  aheadSeconds,
  jitterSeconds,
  dailyBudget,
  forcedDailyBudget,
  verifyReports,
}: RefreshDefaults) {
  return {
    aheadMs: aheadSeconds * 1000,
    jitterMs: jitterSeconds * 1000,
    dailyBudget,
    forcedDailyBudget,
    verifyReports,
  };
}
