import { keysOfClient, SHOWN_DIGITS } from '../core/client-keys.js';
import type { AuditedClient, AuditedConfig } from '../core/ports/audit-entry.js';
import type { ClientSection } from './client.section.js';
import type { Config } from './config.js';

/** @param sha256 of the file, in hex; null without one */
export function auditedConfig({ apps, clients }: Config, sha256: string | null): AuditedConfig {
  return {
    sha256,
    apps: apps.map(({ name }) => name),
    clients: clients.map(auditedClient),
  };
}

function auditedClient(client: ClientSection): AuditedClient {
  const { name, apps, scopes, subjects, certificates, gateway, virtualTokens } = client;
  return {
    name,
    apps,
    scopes,
    keys: keysOfClient(client).map(({ sha256 }) => sha256.slice(0, SHOWN_DIGITS)),
    ...(subjects && { subjects: subjects.map(({ issuer, sub }) => `${issuer} ${sub}`) }),
    ...(certificates && { certificates: certificates.map(({ san }) => san) }),
    ...(gateway && { gateway: gateway.allow }),
    ...(virtualTokens && { virtual_tokens: true as const }),
  };
}
