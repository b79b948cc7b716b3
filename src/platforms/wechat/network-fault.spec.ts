import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { egressSection } from '../../../test/support/egress-section.js';
import { makeCertificates, type TestCertificates } from '../../../test/support/test-certificates.js';
import { FAULTS, faultOfCode, remedyOfFault } from '../http/network-fault.js';
import { Egress } from '../http/egress.js';
import { PlatformApi } from '../http/platform-api.js';
import { WechatIssuer } from './wechat.issuer.js';

const CREDENTIALS = { app: 'shop', appId: 'wx0123456789abcdef', appSecret: '0123456789abcdef'.repeat(2) };
const folder = mkdtempSync(join(tmpdir(), 'broker-faults-'));
const systemCertificates = tls.getCACertificates('default');
let servers: Server[] = [];

afterEach(() => {
  tls.setDefaultCACertificates(systemCertificates);
  for (const server of servers) server.close();
  servers = [];
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function listen(server: Server, scheme = 'http'): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answering = (status: number, body: string, headers: http.OutgoingHttpHeaders = {}) =>
  listen(http.createServer((_, response) => response.writeHead(status, headers).end(body)));

/** A server on whose connections this happens, after the first bytes of the client. */
const doing = (behaviour: (socket: net.Socket) => void, scheme = 'http') =>
  listen(
    net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        behaviour(socket);
      });
    }),
    scheme,
  );

function certificates(name: string, options: Parameters<typeof makeCertificates>[1] = {}): TestCertificates {
  mkdirSync(join(folder, name));
  return makeCertificates(join(folder, name), options);
}

async function overTls(made: TestCertificates, { isTrusted }: { isTrusted: boolean }): Promise<string> {
  if (isTrusted) tls.setDefaultCACertificates([made.ca]);
  const files = { key: readFileSync(made.keyFile), cert: readFileSync(made.certFile) };
  return listen(
    tls.createServer(files, (socket) => socket.on('error', () => undefined)),
    'https',
  );
}

async function faultAt(apiBaseUrl: string, unusedProxyVariable: string | null = null) {
  const timeoutMs = 700;
  const egress = new Egress(egressSection({ unusedProxyVariable }));
  const issuer = new WechatIssuer({ grant: 'stable', api: new PlatformApi(apiBaseUrl, egress) });
  const deadline = { signal: AbortSignal.timeout(timeoutMs), timeoutMs };
  const outcome = await issuer.issue(CREDENTIALS, deadline, { forceNew: false });
  if (!('cause' in outcome)) throw new Error(`no fault, but ${outcome.kind}`);
  const { fault, message } = outcome.cause;
  return { fault, kind: outcome.kind, message, remedy: issuer.explainSilence(message, fault) ?? '' };
}

describe('a trouble on the way to the platform', () => {
  // prettier-ignore
  it.each<[string, () => Promise<string>, kind: 'not_sent' | 'unknown', remedy: RegExp]>([
    ['refused', () => Promise.resolve('http://127.0.0.1:1'), 'not_sent', /Nothing listens/],
    ['unreachable', () => Promise.resolve('http://255.255.255.255'), 'not_sent', /no route/],
    ['reset', () => doing((socket) => socket.resetAndDestroy()), 'unknown', /closed the connection/],
    ['reset', () => doing((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{')), 'unknown', /closed the connection/],
    ['reset', () => doing((socket) => socket.destroy(), 'https'), 'not_sent', /closed the connection/],
    ['connect_timeout', () => doing(() => undefined, 'https'), 'not_sent', /No connection came up in time/],
    ['answer_timeout', () => doing(() => undefined), 'unknown', /upstreamTimeoutSeconds/],
    ['certificate_expired', () => overTls(certificates('expired', { days: -1 }), { isTrusted: true }), 'not_sent', /this host's clock/],
    ['certificate_untrusted', () => overTls(certificates('untrusted'), { isTrusted: false }), 'not_sent', /NODE_EXTRA_CA_CERTS/],
    ['certificate_name', () => overTls(certificates('name', { names: 'DNS:other' }), { isTrusted: true }), 'not_sent', /belongs to another host/],
    ['tls_protocol', () => answering(200, '').then((url) => url.replace('http:', 'https:')), 'not_sent', /speaks no TLS/],
    ['proxy_authentication', () => answering(407, ''), 'unknown', /asks for a login/],
    ['redirect', () => answering(302, '', { location: 'http://portal/' }), 'unknown', /redirect, which is not followed/],
    ['http_4xx', () => answering(403, '<html>'), 'unknown', /before it reached the platform/],
    ['http_5xx', () => answering(502, '{"errcode":-1}'), 'unknown', /proxy, a gateway/],
    ['answer_html', () => answering(200, ' <!doctype html>'), 'unknown', /web page/],
    ['answer_not_json', () => answering(200, 'OK'), 'unknown', /not the platform's answer/],
    ['answer_unexpected', () => answering(200, '{}'), 'unknown', /not what the platform answers/],
    ['answer_not_http', () => doing((socket) => socket.end('SSH-2.0-OpenSSH\r\n')), 'unknown', /no HTTP/],
    ['answer_too_large', () => answering(200, 'x'.repeat(70_000)), 'unknown', /far larger/],
  ])('is told apart, with its own remedy: %s', async (fault, start, kind, remedy) => {
    const told = await faultAt(await start());
    expect(told).toMatchObject({ fault, kind });
    expect(told.remedy).toMatch(remedy);
    expect(told.remedy).toMatch(/The broker keeps trying\.$/);
  });

  it('is one of DNS where the host has no address', async () => {
    const { fault, remedy } = await faultAt('http://platform.invalid');
    expect(fault).toMatch(/^dns_(unknown_name|unavailable)$/);
    expect(remedy).toMatch(/DNS/);
  });

  it.each([
    ['ENOTFOUND', 'dns_unknown_name'],
    ['EAI_AGAIN', 'dns_unavailable'],
    ['ETIMEDOUT', 'connect_timeout'],
    ['EHOSTUNREACH', 'unreachable'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate_untrusted'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'certificate_untrusted'],
    ['CERT_NOT_YET_VALID', 'certificate_expired'],
    ['CERT_REVOKED', 'certificate_invalid'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls_protocol'],
    ['E_NEW', 'other'],
  ])('has the code %s for %s', (code, fault) => {
    expect(faultOfCode(code)).toBe(fault);
  });

  it('names a proxy of the environment, which is not used, where the way out is missing', async () => {
    const { remedy } = await faultAt('http://127.0.0.1:1', 'HTTPS_PROXY');
    expect(remedy).toMatch(
      /^HTTPS_PROXY is set, but the broker does not use it: .*egress\.proxyFromEnvironment/,
    );
    expect((await faultAt(await answering(502, ''), 'HTTPS_PROXY')).remedy).not.toContain('HTTPS_PROXY');
  });

  it('has a remedy of its own for each kind', () => {
    const remedies = FAULTS.map((fault) => remedyOfFault(fault, null));
    expect(new Set(remedies).size).toBe(FAULTS.length);
  });
});
