import { proxyUrlForm, type EgressSection, type ProxyEnvironment } from './egress.section.js';
import { ReadFault, type Fault } from './faults.js';
import { Secret } from './secret.js';

const HTTPS = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];
const HTTP = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
const NO_PROXY = ['no_proxy', 'NO_PROXY'];

/**
 * Tells each section what the environment says of proxies: one that asks for it what to use, the others what they do not use.
 *
 * @param onSecret is given the text of each URL that is used, which may hold a password
 */
export function completeEgress(
  sections: readonly EgressSection[],
  env: NodeJS.ProcessEnv,
  onSecret: (text: string) => void,
): { readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] } {
  const first = (names: readonly string[]): string | null => names.find((name) => env[name]) ?? null;
  const named = first([...HTTPS, ...HTTP]);
  const users = sections.filter(({ proxyFromEnvironment }) => proxyFromEnvironment);
  for (const section of sections) section.unusedProxyVariable = section.proxy ? null : named;
  if (users.length === 0) return { faults: [], warnings: [] };

  const faults: Fault[] = [];
  const urlOf = (names: readonly string[]): Secret | null => {
    const name = first(names);
    if (name === null) return null;
    const given = (env[name] ?? '').trim();
    const text = given.includes('://') ? given : `http://${given}`;
    onSecret(text);
    const url = Secret.fromText(text, proxyUrlForm);
    if (!(url instanceof ReadFault)) return url;
    faults.push({ path: name, text: url.text });
    return null;
  };
  const environment: ProxyEnvironment = {
    https: urlOf(HTTPS),
    http: urlOf(HTTP),
    noProxy: env[first(NO_PROXY) ?? ''] ?? '',
  };
  for (const section of users) {
    section.environment = environment;
    section.unusedProxyVariable = null;
  }
  const text =
    'no variable of the environment names a proxy: platforms are reached directly. Set HTTPS_PROXY';
  return {
    faults,
    warnings: named === null ? [{ path: 'egress.proxyFromEnvironment', text }] : [],
  };
}
