/** A name for each kind of trouble on the way to the platform. They are stored and logged: never change one. */
export const FAULTS = [
  'dns_unknown_name',
  'dns_unavailable',
  'refused',
  'unreachable',
  'reset',
  'connect_timeout',
  'answer_timeout',
  'certificate_expired',
  'certificate_untrusted',
  'certificate_name',
  'certificate_invalid',
  'tls_protocol',
  'proxy_authentication',
  'proxy_unknown_name',
  'proxy_refused',
  'proxy_unreachable',
  'proxy_timeout',
  'proxy_certificate',
  'proxy_closed',
  'proxy_not_http',
  'proxy_denied',
  'proxy_failed',
  'redirect',
  'http_4xx',
  'http_5xx',
  'answer_html',
  'answer_not_json',
  'answer_unexpected',
  'answer_not_http',
  'answer_too_large',
  'other',
] as const;
export type FaultId = (typeof FAULTS)[number];

/** Why a request got no usable answer. The message quotes nothing of the request or the answer. */
export class NetworkFault extends Error {
  override readonly name = 'NetworkFault';

  constructor(
    readonly fault: FaultId,
    message: string,
    /** When the platform wants to be asked again, if it said so. */
    readonly retryAfterMs?: number,
  ) {
    super(message);
  }
}

/** By the codes of Node and OpenSSL; the first pattern that matches holds. */
const CODES: readonly (readonly [pattern: RegExp, fault: FaultId])[] = [
  [/^(?:ENOTFOUND|ENODATA|EAI_NONAME|EAI_NODATA)$/, 'dns_unknown_name'],
  [/^(?:EAI_\w+|E(?:SERVFAIL|REFUSED|TIMEOUT))$/, 'dns_unavailable'],
  [/^ECONNREFUSED$/, 'refused'],
  [/^(?:E(?:NET|HOST)(?:UNREACH|DOWN)|EADDRNOTAVAIL|EACCES|EPERM)$/, 'unreachable'],
  [/^(?:ECONNRESET|EPIPE|ECONNABORTED)$/, 'reset'],
  [/^ETIMEDOUT$/, 'connect_timeout'],
  [/^CERT_(?:HAS_EXPIRED|NOT_YET_VALID)$/, 'certificate_expired'],
  [/SELF_SIGNED|^UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)|^CERT_UNTRUSTED$/, 'certificate_untrusted'],
  [/^ERR_TLS_CERT_ALTNAME/, 'certificate_name'],
  [/^CERT_|CRL_|^INVALID_(?:CA|PURPOSE)$|^PATH_LENGTH|^HOSTNAME_MISMATCH$/, 'certificate_invalid'],
  [/^(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/, 'tls_protocol'],
  [/^HPE_/, 'answer_not_http'],
];

export function faultOfCode(code: string): FaultId {
  return CODES.find(([pattern]) => pattern.test(code))?.[1] ?? 'other';
}

/** Of what happened on the way to a proxy, before it answered. */
export function faultOfProxy(fault: FaultId): FaultId {
  if (fault.startsWith('dns')) return 'proxy_unknown_name';
  if (fault.startsWith('certificate') || fault === 'tls_protocol') return 'proxy_certificate';
  return PROXY_FAULTS[fault] ?? 'proxy_unreachable';
}

const PROXY_FAULTS: Readonly<Partial<Record<FaultId, FaultId>>> = {
  refused: 'proxy_refused',
  connect_timeout: 'proxy_timeout',
  reset: 'proxy_closed',
  answer_not_http: 'proxy_not_http',
};

/** The fault for the status of a proxy that refuses a CONNECT. Tinyproxy answers 401 to a wrong password. */
export function faultOfProxyStatus(status: number): FaultId {
  if (status === 407 || status === 401) return 'proxy_authentication';
  return status >= 500 ? 'proxy_failed' : 'proxy_denied';
}

/** Of an HTTP status that is no 2xx, where the platform would not have sent it. */
export function faultOfStatus(status: number): FaultId {
  if (status === 407) return 'proxy_authentication';
  if (status >= 500) return 'http_5xx';
  return status >= 400 ? 'http_4xx' : 'redirect';
}

const MIDDLE_BOX = 'The platform itself does not answer so: a proxy, a gateway or the host of apiBaseUrl';
const IN_THE_MIDDLE =
  'something between here and the platform (a proxy, firewall or captive portal), or the host of apiBaseUrl';
const FIREWALL = 'egress firewall, security group, NetworkPolicy';

/** What a person does about each. */
const REMEDIES: Readonly<Record<FaultId, string>> = {
  dns_unknown_name:
    'DNS knows no such host: check the host in apiBaseUrl letter by letter, and that the DNS server which this host asks resolves public names.',
  dns_unavailable:
    'DNS does not answer: check the DNS servers of this host (/etc/resolv.conf, in Kubernetes CoreDNS) and that a NetworkPolicy or firewall lets port 53 through, UDP and TCP.',
  refused:
    'Nothing listens at the address, or a firewall rejects the connection: check host and port of apiBaseUrl, and the ' +
    `${FIREWALL}.`,
  unreachable: `There is no route to the platform, or the system forbids it: check routes, IPv6, ${FIREWALL}, and egress.localAddress if it is set, which must be an address of this host.`,
  reset: `Something closed the connection before the answer was whole: check ${FIREWALL}, and boxes that inspect TLS; if it passes, nothing is to be done.`,
  connect_timeout: `No connection came up in time: packets are dropped on the way. Check ${FIREWALL}, and NAT.`,
  answer_timeout:
    'The connection is up, but the answer did not come in time: the platform is slow, or something on the way holds it. If it stays so, raise refresh.upstreamTimeoutSeconds, and leaseSeconds with it.',
  certificate_expired:
    "The certificate is out of its time: check this host's clock; if it is right, renew the certificate of the host in apiBaseUrl, or of the box that intercepts TLS.",
  certificate_untrusted:
    'The certificate is of an authority that Node does not know: something intercepts TLS, or a gateway has a private CA. Exempt the platform from interception, or name the CA in PEM with egress.ca (or the environment variable NODE_EXTRA_CA_CERTS) and restart.',
  certificate_name:
    'The certificate belongs to another host: check the host in apiBaseUrl, and whether DNS or a proxy leads somewhere else.',
  certificate_invalid:
    'The certificate is not valid: have it renewed by those who run the host in apiBaseUrl, or the box that intercepts TLS.',
  tls_protocol:
    'The other side speaks no TLS, or an old version: check scheme and port of apiBaseUrl, and boxes that inspect TLS.',
  proxy_authentication:
    'A proxy asks for a login: set or correct proxyUsername and proxyPassword of egress. If egress names no proxy, one on the way asks: exempt the broker from it, or name it in egress.proxy.',
  proxy_unknown_name:
    'DNS knows no host with the name of the proxy, or does not answer: check the host in egress.proxy, and the DNS servers of this host.',
  proxy_refused: `Nothing listens at the address of the proxy, or a firewall rejects the connection: check host and port of egress.proxy, that the proxy runs, and the ${FIREWALL}.`,
  proxy_unreachable: `There is no connection to the proxy: check host, port and scheme of egress.proxy, routes, ${FIREWALL}, and egress.localAddress if it is set.`,
  proxy_timeout: `The proxy does not answer in time: check that it is not overloaded, host and port of egress.proxy, and the ${FIREWALL}.`,
  proxy_certificate:
    'TLS with the proxy itself fails: https:// in egress.proxy is for proxies that speak TLS on this port; name the CA of its certificate with egress.ca.',
  proxy_closed:
    'The proxy closed the connection without an answer: look into its log; it may not know this host, or speak TLS on this port (https:// in egress.proxy).',
  proxy_not_http: 'What answers at egress.proxy is no HTTP proxy: check host and port.',
  proxy_denied:
    'The proxy does not let the broker reach this host and port: allow CONNECT to them in its rules (mostly only port 443 is allowed), or let the broker pass it by.',
  proxy_failed:
    'The proxy cannot reach the platform, or is out of order: look into its log, and check from its host DNS and the way to the platform.',
  redirect: `Something answered with a redirect, which is not followed, since it would carry the AppSecret elsewhere: ${IN_THE_MIDDLE}. Correct apiBaseUrl, or exempt the broker.`,
  http_4xx: `The request was refused before it reached the platform. ${MIDDLE_BOX} did it: look there, and check the path of apiBaseUrl.`,
  http_5xx: `${MIDDLE_BOX} failed: look there. If it passes, nothing is to be done.`,
  answer_html: `A web page came in place of the platform's JSON, from ${IN_THE_MIDDLE}: correct apiBaseUrl, or exempt the broker.`,
  answer_not_json: `What came is not the platform's answer: check apiBaseUrl, and ${IN_THE_MIDDLE}.`,
  answer_unexpected: `The answer has the platform's form, but not what the platform answers: check apiBaseUrl, and ${IN_THE_MIDDLE}.`,
  answer_not_http: 'What came is no HTTP: check scheme and port of apiBaseUrl.',
  answer_too_large: `The answer is far larger than any of the platform's: check apiBaseUrl, and ${IN_THE_MIDDLE}.`,
  other: `Check that this host reaches the platform: DNS, ${FIREWALL}, and apiBaseUrl.`,
};

/** What happens on a host that has no way out but a proxy. */
const OF_THE_WAY: ReadonlySet<FaultId> = new Set<FaultId>([
  'dns_unknown_name',
  'dns_unavailable',
  'refused',
  'unreachable',
  'reset',
  'connect_timeout',
  'other',
]);

/**
 * What a person does about a fault. `proxyVariable` is the variable of the environment that names a proxy, which is not
 * used, or null.
 */
export function remedyOfFault(fault: FaultId, proxyVariable: string | null = null): string {
  const remedy = `${REMEDIES[fault]} The broker keeps trying.`;
  if (proxyVariable === null || !OF_THE_WAY.has(fault)) return remedy;
  return `${proxyVariable} is set, but the broker does not use it: set egress.proxyFromEnvironment: true if it is the way out, or egress.proxy. If the platform is to be reached directly: ${remedy}`;
}

export function isFaultId(text: string): text is FaultId {
  return FAULTS.some((fault) => fault === text);
}
