import { BlockList, isIP } from 'node:net';
import type { EgressSection } from '../../config/egress.section.js';

/** A forward proxy. */
export interface ProxyServer {
  readonly host: string;
  readonly port: number;
  /** TLS to the proxy itself. */
  readonly isTls: boolean;
  /** The value of `Proxy-Authorization`; null: none. */
  readonly authorization: string | null;
}

/** The proxy through which a target is reached; null: none. */
export function proxyFor(
  { proxy, proxyUsername, proxyPassword, environment }: EgressSection,
  target: URL,
): ProxyServer | null {
  if (proxy) return serverOf(proxy.value(), proxyUsername, proxyPassword?.value());
  if (!environment || isExempt(target, environment.noProxy)) return null;
  const url = target.protocol === 'https:' ? environment.https : environment.http;
  return url && serverOf(url.value());
}

/** The host of a URL as sockets take it: an IPv6 address without its brackets. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

export function portOf({ protocol, port }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

function serverOf(text: string, username?: string, password?: string): ProxyServer {
  const url = new URL(text);
  const name = username ?? decodeURIComponent(url.username);
  const login = `${name}:${password ?? decodeURIComponent(url.password)}`;
  return {
    host: hostOf(url),
    port: portOf(url),
    isTls: url.protocol === 'https:',
    authorization: login === ':' ? null : `Basic ${Buffer.from(login).toString('base64')}`,
  };
}

/**
 * Whether `NO_PROXY` names the target. Entries, with commas or spaces between them: `*` for all; a host, which stands for those
 * below it too, also with `.` or `*.` before it; an address; a CIDR. Each may have a port.
 */
function isExempt(target: URL, noProxy: string): boolean {
  const host = hostOf(target).toLowerCase();
  const port = String(portOf(target));
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      const [, bare = '', ofPort = port] =
        /^(.*?)(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
      const name = bare.replace(/^\[(.*)\]$/, '$1').replace(/^\*?\./, '');
      if (name === '' || ofPort !== port) return false;
      return name === '*' || name === host || host.endsWith(`.${name}`) || isInNetwork(host, name);
    });
}

function isInNetwork(host: string, network: string): boolean {
  const [, base = '', bits] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(network) ?? [];
  const family = isIP(base);
  if (family === 0 || isIP(host) !== family || Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(bits), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
