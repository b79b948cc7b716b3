import { isIP } from 'node:net';
import { About, Check, Flag, InChart, Optional, SecretText, Text } from './keys.js';
import { Secret } from './secret.js';
import { certificatesForm, passwordForm, urlWithLoginFault } from './secret-text.js';
import { parseUrl } from './values.js';
import { ReadFault, type Fault } from './faults.js';

/** What the environment says of proxies. URLs are checked; null where it says nothing. */
export interface ProxyEnvironment {
  readonly https: Secret | null;
  readonly http: Secret | null;
  /** The list of `NO_PROXY`, as it is. */
  readonly noProxy: string;
}

/** How requests leave for the platforms: all of them, or those of one app. */
export class EgressSection {
  @About(
    'a forward proxy, `http://user:password@host:3128`, or `https://` for TLS to the proxy itself. Every connection to a platform is a tunnel through it (CONNECT). `#` `/` `?` `@` in a password: percent-encode them, or give it as `proxyPassword`',
    'none: directly',
  )
  @Optional()
  @SecretText(proxyUrlForm)
  // Without a password.
  @InChart({ type: 'string', pattern: '^https?://[^@?#/\\s]+/?$' })
  readonly proxy?: Secret;

  @About('for the proxy, if its URL has none')
  @Optional()
  // A colon ends the name in the header of the login.
  @Text(/^[^\s:]{1,128}$/, 'a user name')
  readonly proxyUsername?: string;

  @About('likewise')
  @Optional()
  @SecretText(passwordForm)
  readonly proxyPassword?: Secret;

  @About(
    'use the proxy that `HTTPS_PROXY` names (for an http platform `HTTP_PROXY`; `ALL_PROXY` for both), but for the hosts in `NO_PROXY`; instead of `proxy`',
  )
  @Flag()
  readonly proxyFromEnvironment: boolean = false;

  @About(
    'authorities in PEM that are trusted beside those of Node: of a box that intercepts TLS, of a gateway of yours, of an `https://` proxy',
  )
  @Optional()
  @SecretText(certificatesForm)
  @InChart({ type: 'string', pattern: '-----BEGIN CERTIFICATE-----' })
  readonly ca?: Secret;

  @About('the address of this host that connections come from, where it has several', "the system's choice")
  @Optional()
  @Check(checkAddress, { type: 'string' })
  @InChart({ type: 'string', pattern: '^([0-9]{1,3}([.][0-9]{1,3}){3}|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+)$' })
  readonly localAddress?: string;

  /** Filled by `loadConfig` where `proxyFromEnvironment` is set. */
  environment: ProxyEnvironment | null = null;
  /** The variable of the environment that names a proxy which is not used; null if none does. Filled by `loadConfig`. */
  unusedProxyVariable: string | null = null;
}

/** The rules between its keys. Takes nothing for granted. */
export function egressFaults(egress: Partial<Record<string, unknown>>, path: string): Fault[] {
  const faults: Fault[] = [];
  const add = (key: string, text: string) => faults.push({ path: `${path}.${key}`, text });
  const { proxy } = egress;
  if (proxy !== undefined && egress.proxyFromEnvironment === true) {
    add('proxyFromEnvironment', 'proxy is set as well; remove one of them');
  }
  const url = proxy instanceof Secret ? parseUrl(proxy.value()) : null;
  for (const part of ['username', 'password'] as const) {
    const key = part === 'username' ? 'proxyUsername' : 'proxyPassword';
    if (egress[key] === undefined) continue;
    if (url?.[part]) add(key, `proxy has a ${part} as well; remove one of them`);
    if (proxy === undefined) add(key, 'is for the proxy that proxy names: set proxy or remove this');
  }
  return faults;
}

/** What is wrong with the URL of a proxy, without any of it; undefined when nothing is. */
function proxyUrlForm(text: string): string | undefined {
  return urlWithLoginFault(text, proxyUrlFault, 'proxyPassword');
}

function proxyUrlFault(url: URL | null): string | undefined {
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    return 'must be the URL of a proxy like http://host:3128, or https:// for TLS to the proxy';
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return 'must have nothing after the port: a proxy has no path';
  }
  return undefined;
}

function checkAddress(value: unknown): string | undefined {
  return typeof value === 'string' && isIP(value) !== 0
    ? undefined
    : 'must be an IP address of this host, such as 10.0.0.5';
}

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
