import { createHash, randomBytes } from 'node:crypto';
import type { SimulatedApp } from '@access-token-broker/simulator';

export interface AppOptions extends SimulatedApp {
  readonly name: string;
  readonly apiBaseUrl: string;
  readonly grant?: 'classic' | 'stable';
  /** Instead of the secret itself. */
  readonly secretFile?: string;
  /** Other keys of `apps[]`: `provider`, `login`. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Keys of `apps[].refresh`. */
  readonly refresh?: Readonly<Record<string, number | boolean>>;
}

export interface ConfigOptions {
  readonly apps: readonly AppOptions[];
  /** API keys by client, each for all apps and with every scope. */
  readonly keys: Readonly<Record<string, string>>;
  /** Of all clients; left out: those of tokens and tickets. */
  readonly scopes?: readonly string[];
  /** Callers with less than every scope, as `gatewayClient` makes them. */
  readonly clients?: readonly object[];
  /** Keys of `server`. */
  readonly server?: Readonly<Record<string, unknown>>;
  /** Whole sections: `audit`, `tracing`. */
  readonly sections?: Readonly<Record<string, unknown>>;
}

/** A configuration as the file holds it: any free port of the loopback address, the memory backend. */
export function brokerConfig({ apps, keys, scopes, clients = [], server, sections }: ConfigOptions): object {
  return {
    ...sections,
    server: { port: 0, host: '127.0.0.1', ...server },
    apps: apps.map(
      ({
        name,
        appId,
        appSecret,
        secretFile,
        apiBaseUrl,
        type,
        more = {},
        grant = 'classic',
        refresh = {},
      }) => ({
        name,
        ...more,
        ...(type && { type }),
        ...(more.provider === undefined && type !== 'website' && { grant }),
        appId,
        appSecret: secretFile === undefined ? appSecret : { file: secretFile },
        apiBaseUrl,
        refresh: { jitterSeconds: 0, ...refresh },
      }),
    ),
    clients: [
      ...Object.entries(keys).map(([name, key]) => ({
        name,
        keySha256: [sha256(key)],
        apps: '*',
        scopes: scopes ?? ['token:read', 'token:refresh', 'token:admin', 'ticket:read'],
      })),
      ...clients,
    ],
  };
}

/** A caller of the gateway, for all apps. Other keys of `clients[]` in `more`. */
export function gatewayClient(
  name: string,
  key: string,
  allow: readonly string[],
  more: object = {},
): object {
  return {
    name,
    keySha256: [sha256(key)],
    apps: '*',
    scopes: ['gateway'],
    gateway: { allow },
    ...more,
  };
}

function sha256(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export function newApiKey(): string {
  return `tbk_${randomBytes(32).toString('base64url')}`;
}

/** An app as WeChat knows it, with a secret of the platform's form. */
export function newApp(): SimulatedApp {
  return { appId: `wx${randomBytes(8).toString('hex')}`, appSecret: randomBytes(16).toString('hex') };
}
