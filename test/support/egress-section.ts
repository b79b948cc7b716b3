import type { EgressSection } from '../../src/config/egress.section.js';
import { Secret } from '../../src/config/secret.js';

/** The keys of `egress` with their secrets in clear; `https`, `http` and `noProxy` as the environment would say them. */
export interface EgressKeys {
  readonly proxy?: string;
  readonly proxyUsername?: string;
  readonly proxyPassword?: string;
  readonly ca?: string;
  readonly localAddress?: string;
  readonly environment?: { readonly https?: string; readonly http?: string; readonly noProxy?: string };
  readonly unusedProxyVariable?: string | null;
}

/** The section as `loadConfig` makes it of these keys. */
export function egressSection({
  proxy,
  proxyPassword,
  ca,
  environment,
  unusedProxyVariable = null,
  ...others
}: EgressKeys = {}): EgressSection {
  const secret = (text: string | undefined) => (text === undefined ? null : Secret.of(text));
  return {
    proxyFromEnvironment: environment !== undefined,
    environment: environment
      ? {
          https: secret(environment.https),
          http: secret(environment.http),
          noProxy: environment.noProxy ?? '',
        }
      : null,
    unusedProxyVariable,
    ...(proxy !== undefined && { proxy: Secret.of(proxy) }),
    ...(proxyPassword !== undefined && { proxyPassword: Secret.of(proxyPassword) }),
    ...(ca !== undefined && { ca: Secret.of(ca) }),
    ...others,
  };
}
