import type { ClientSection } from './client.section.js';
import type { Config } from './config.js';

/** Digits of a hash that tell keys apart, and open nothing. */
const SHOWN_DIGITS = 8;

/** Who may what, as the audit stream has it at the start and after each reload: no key, no secret. */
export interface AuditedConfig {
  /** Of the file, in hex; null without a file. */
  readonly sha256: string | null;
  readonly apps: readonly string[];
  readonly clients: readonly AuditedClient[];
}

interface AuditedClient {
  readonly name: string;
  readonly apps: readonly string[] | '*';
  readonly scopes: readonly string[];
  /** The first 8 hex digits of the SHA-256 of each API key. */
  readonly keys: readonly string[];
  /** `<issuer> <sub>` of JWTs. */
  readonly subjects?: readonly string[];
  readonly certificates?: readonly string[];
  /** What it may call through the gateway. */
  readonly gateway?: readonly string[];
  readonly virtual_tokens?: true;
}

/** @param sha256 of the file, in hex; null without one */
export function auditedConfig({ apps, clients }: Config, sha256: string | null): AuditedConfig {
  return {
    sha256,
    apps: apps.map(({ name }) => name),
    clients: clients.map(auditedClient),
  };
}

function auditedClient(client: ClientSection): AuditedClient {
  const { name, apps, scopes, keySha256 = [], subjects, certificates, gateway, virtualTokens } = client;
  return {
    name,
    apps,
    scopes,
    keys: keySha256.map((hash) => hash.slice(0, SHOWN_DIGITS)),
    ...(subjects && { subjects: subjects.map(({ issuer, sub }) => `${issuer} ${sub}`) }),
    ...(certificates && { certificates: certificates.map(({ san }) => san) }),
    ...(gateway && { gateway: gateway.allow }),
    ...(virtualTokens && { virtual_tokens: true as const }),
  };
}
