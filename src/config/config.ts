import type { Secret } from './secret.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a caller may do. `token:admin` forces a refresh without proof; `ticket:read` is for JS-SDK tickets. */
export const SCOPES = ['token:read', 'token:refresh', 'token:admin', 'ticket:read'] as const;
export type Scope = (typeof SCOPES)[number];

export const GRANTS = ['stable', 'classic'] as const;
/** How WeChat gives tokens: `stable` is POST /cgi-bin/stable_token, `classic` is GET /cgi-bin/token. */
export type Grant = (typeof GRANTS)[number];

export interface ServerConfig {
  readonly port: number;
  /** null: all addresses of the machine, IPv6 and IPv4. */
  readonly host: string | null;
  readonly logLevel: LogLevel;
  readonly docs: boolean;
  /** `true` believes any X-Forwarded-For; a list names the addresses and CIDRs that are believed. */
  readonly trustProxy: boolean | readonly string[];
  /** How long a replica that was told to stop still serves, not ready any more, so that load balancers notice. */
  readonly drainSeconds: number;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface RedisConfig {
  readonly server:
    | { readonly kind: 'url'; readonly url: Secret }
    | { readonly kind: 'sentinel'; readonly sentinels: readonly Endpoint[]; readonly name: string }
    | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] };
  /** For the primary behind sentinels and for cluster nodes; null where a URL carries them. */
  readonly username: string | null;
  readonly password: Secret | null;
  /** For the sentinels themselves. Null: they ask for none. */
  readonly sentinelUsername: string | null;
  readonly sentinelPassword: Secret | null;
  readonly keyPrefix: string;
  /** Null: no TLS. `ca` is PEM; null trusts the usual authorities. */
  readonly tls: { readonly ca: string | null; readonly serverName: string | null } | null;
}

export interface EncryptionKeyConfig {
  readonly id: string;
  /** 32 bytes in base64, checked. */
  readonly key: Secret;
}

/** Not bounded by a token's life yet: that is only known at run time. */
export interface RefreshConfig {
  readonly aheadSeconds: number;
  readonly jitterSeconds: number;
  readonly dailyBudget: number;
  readonly forcedDailyBudget: number;
  readonly verifyReports: boolean;
  readonly upstreamTimeoutSeconds: number;
  readonly leaseSeconds: number;
  readonly reconcileSeconds: number;
}

/** What every app has in the configuration, whatever its platform. A platform's section adds keys of its own. */
export interface AppSettings {
  readonly name: string;
  /** The id of its platform. */
  readonly provider: string;
}

/** Whose tokens an app's are. Two apps with one account would fetch each other's tokens. */
export interface Account {
  /** The app's id at the platform. It is no secret: it names the app's state in the store, and `GET /apps` shows it. */
  readonly appId: string;
  /** How the platform gives this app tokens; a word of the platform. */
  readonly grant: string;
  readonly appSecret: Secret;
  /** Without a slash at its end. */
  readonly apiBaseUrl: string;
}

export interface AppConfig extends AppSettings, Account {
  /** An instance of the platform's section, for the platform to read. */
  readonly settings: AppSettings;
  readonly refresh: RefreshConfig;
}

export interface ClientConfig {
  readonly name: string;
  /** Lower-case hex. */
  readonly keySha256: readonly string[];
  /** Names of apps, or `*` for all. */
  readonly apps: readonly string[] | '*';
  readonly scopes: readonly Scope[];
  /** Bounds what the drop-in endpoints promise this client. Null: nothing does. */
  readonly maxExpiresInSeconds: number | null;
}

export const AUDITED_READS = ['sampled', 'all', 'none'] as const;
/** Which reads the audit stream shows; `sampled`: the first by each client of each generation. */
export type AuditedReads = (typeof AUDITED_READS)[number];

export interface AuditConfig {
  readonly reads: AuditedReads;
  /** `stdout`, `stderr` or the absolute path of a file. */
  readonly destination: string;
}

export interface TracingConfig {
  /** Where a collector takes OTLP over HTTP. */
  readonly endpoint: string;
  /** From 0 to 1; of the requests whose caller has not decided. */
  readonly sampleRatio: number;
  readonly headers: Readonly<Record<string, Secret>>;
}

/** What was put right in the configuration, and should be by those who wrote it. Holds no secret. */
export interface ConfigWarning {
  /** As in a fault: a key's path or the name of a variable. */
  readonly path: string;
  readonly text: string;
}

/** Everything the broker is told at start: checked, complete and frozen. Only the value of a `Secret` read from a file can change. */
export interface Config {
  readonly server: ServerConfig;
  /** Null: the memory backend. */
  readonly redis: RedisConfig | null;
  /** The first key encrypts, all decrypt. Never null with redis. */
  readonly encryption: { readonly keys: readonly EncryptionKeyConfig[] } | null;
  readonly audit: AuditConfig;
  /** Null: no traces. */
  readonly tracing: TracingConfig | null;
  readonly apps: readonly AppConfig[];
  readonly clients: readonly ClientConfig[];
  readonly warnings: readonly ConfigWarning[];
  /** The variable of the environment that names a proxy, which the broker does not use; null if none does. */
  readonly proxyVariable: string | null;
}
