import { jest } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { Socket, type AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ConnectProxy } from '../../../test/support/connect-proxy.js';
import { egressSection, type EgressKeys } from '../../../test/support/egress-section.js';
import { SELF_SIGNED } from '../../../test/support/test-certificates.js';
import { Egress } from './egress.js';
import type { HttpReply } from './http-call.js';
import { remedyOfFault, type FaultId } from './network-fault.js';
import { PlatformApi } from './platform-api.js';

const SECRET = 'f3ac1d0e9b8a7c6d';
const LOGIN = 'broker:gT7#xW2/q';
const REQUEST = { method: 'POST', path: '/cgi-bin/stable_token', data: { secret: SECRET } } as const;

const { cert: ca } = SELF_SIGNED;
const deadline = (timeoutMs = 2000) => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs });

/** Over a connection of its own, and over a kept one. */
describe.each(['fetch', 'call'] as const)('the way out to a platform, by %s', (how) => {
  let tlsPlatform: https.Server;
  let plainPlatform: http.Server;
  let proxy: ConnectProxy;
  /** Where connections to the platform came from. */
  let sources: string[];
  let requests: number;

  const answer: http.RequestListener = (request, response) => {
    requests += 1;
    sources.push(request.socket.remoteAddress ?? '');
    response.end('{"access_token":"83_tOkEn"}');
  };
  const portOf = (server: http.Server) => (server.address() as AddressInfo).port;
  const ask = (section: EgressKeys, timeoutMs?: number, url?: string): Promise<HttpReply> => {
    const api = new PlatformApi(
      url ?? `https://127.0.0.1:${portOf(tlsPlatform)}`,
      new Egress(egressSection(section)),
    );
    return api[how](REQUEST, deadline(timeoutMs));
  };
  const through = (more: EgressKeys = {}) => ({ proxy: proxy.url, ca, ...more });

  beforeAll(async () => {
    tlsPlatform = https.createServer(SELF_SIGNED, answer).listen(0, '127.0.0.1');
    plainPlatform = http.createServer(answer).listen(0, '127.0.0.1');
    await Promise.all([once(tlsPlatform, 'listening'), once(plainPlatform, 'listening')]);
    for (const server of [tlsPlatform, plainPlatform]) {
      server.on('connection', (socket: Socket) => socket.on('error', () => undefined));
    }
  });
  beforeEach(async () => {
    [sources, requests] = [[], 0];
    proxy = await ConnectProxy.start();
  });
  afterEach(() => proxy.stop());
  afterAll(() => {
    for (const server of [tlsPlatform, plainPlatform]) server.close().closeAllConnections();
  });

  it.each(['directly', 'through a proxy'])(
    '%s holds no small request back for an acknowledgement',
    async (way) => {
      const setNoDelay = jest.spyOn(Socket.prototype, 'setNoDelay');
      await ask(way === 'directly' ? { ca } : through());
      const { calls } = setNoDelay.mock;
      setNoDelay.mockRestore();
      expect([requests, calls]).toEqual([1, [[true]]]);
    },
  );

  it('is a tunnel through the proxy, which reads neither the secret nor the token', async () => {
    proxy.login = LOGIN;
    const [proxyUsername, password = ''] = LOGIN.split(':');
    const beside = { proxyUsername: String(proxyUsername), proxyPassword: password };
    expect(await ask(through(beside))).toMatchObject({
      kind: 'answered',
      body: '{"access_token":"83_tOkEn"}',
    });
    const inUrl = `http://broker:${encodeURIComponent(password)}@${proxy.address}`;
    expect(await ask({ proxy: inUrl, ca })).toMatchObject({ kind: 'answered' });
    expect(proxy.targets).toEqual(Array(2).fill(`127.0.0.1:${portOf(tlsPlatform)}`));
    expect(proxy.seen.length).toBeGreaterThan(1000);
    for (const text of [SECRET, '83_tOkEn', 'stable_token']) expect(proxy.seen).not.toContain(text);
  });

  it('is a tunnel also to a platform without TLS, and to a proxy with it', async () => {
    const overTls = await ConnectProxy.start(SELF_SIGNED);
    const url = `http://127.0.0.1:${portOf(plainPlatform)}`;
    expect(await ask({ proxy: overTls.url, ca }, 2000, url)).toMatchObject({ kind: 'answered' });
    expect(overTls.targets).toEqual([`127.0.0.1:${portOf(plainPlatform)}`]);
    expect(await ask({ proxy: overTls.url, ca })).toMatchObject({ kind: 'answered' });
    const untrusted = await ask({ proxy: overTls.url }, 2000, url);
    expect(untrusted).toMatchObject({ kind: 'not_sent', cause: { fault: 'proxy_certificate' } });
  });

  // prettier-ignore
  it.each<[ConnectProxy['mood'], FaultId, RegExp, RegExp]>([
    [407, 'proxy_authentication', /the proxy \S+ answered CONNECT with HTTP status 407/, /proxyPassword/],
    [401, 'proxy_authentication', /answered CONNECT with HTTP status 401/, /proxyPassword/],
    [403, 'proxy_denied', /answered CONNECT with HTTP status 403/, /allow CONNECT/],
    [502, 'proxy_failed', /answered CONNECT with HTTP status 502/, /cannot reach the platform/],
    ['silent', 'proxy_timeout', /the proxy \S+ gave no answer to CONNECT: (?:ETIMEDOUT|given up)/, /does not answer in time/],
    ['reset', 'proxy_closed', /gave no answer to CONNECT: ECONNRESET/, /closed the connection/],
    ['garbage', 'proxy_not_http', /gave no answer to CONNECT: HPE_/, /no HTTP proxy/],
    ['reset_after', 'reset', /ECONNRESET, through the proxy \S+/, /closed the connection/],
  ])('has sent nothing through a proxy of the mood %s, and says so', async (mood, fault, message, remedy) => {
    proxy.mood = mood;
    const reply = await ask(through(), 400);
    expect(reply).toMatchObject({ kind: 'not_sent', cause: { fault, message: expect.stringMatching(message) } });
    expect(remedyOfFault(fault)).toMatch(remedy);
    expect(requests).toBe(0);
  });

  it.each<[string, FaultId]>([
    ['http://127.0.0.1:1', 'proxy_refused'],
    ['http://proxy.invalid:3128', 'proxy_unknown_name'],
    ['http://255.255.255.255:3128', 'proxy_unreachable'],
  ])('names the proxy that is not there: %s', async (url, fault) => {
    const reply = await ask({ proxy: url, ca });
    const { host } = new URL(url);
    const message = expect.stringContaining(`: the proxy ${host}: E`) as string;
    expect(reply).toMatchObject({ kind: 'not_sent', cause: { fault, message } });
  });

  it('shows the password of a proxy that refuses it to nobody', async () => {
    proxy.login = LOGIN;
    const reply = await ask({ proxy: `http://broker:wrong-p4ssword@${proxy.address}`, ca });
    const { message } = (reply as { cause: Error }).cause;
    expect(message).toContain(`the proxy ${proxy.address} answered`);
    expect(message).not.toMatch(/broker|p4ssword|Basic/);
  });

  it('takes a certificate of a private authority only with ca', async () => {
    expect(await ask({})).toMatchObject({ kind: 'not_sent', cause: { fault: 'certificate_untrusted' } });
    expect(await ask({ proxy: proxy.url })).toMatchObject({
      kind: 'not_sent',
      cause: { fault: 'certificate_untrusted', message: expect.stringContaining('through the proxy') },
    });
    expect(requests).toBe(0);
    expect(await ask({ ca })).toMatchObject({ kind: 'answered' });
  });

  it('comes from the local address', async () => {
    expect(await ask({ ca, localAddress: '127.0.0.7' })).toMatchObject({ kind: 'answered' });
    expect(sources).toEqual(['127.0.0.7']);
    const reply = await ask({ ca, localAddress: '192.0.2.1' });
    expect(reply).toMatchObject({ kind: 'not_sent', cause: { fault: 'unreachable' } });
  });

  it('is that of the environment where it is asked for, but for the hosts in NO_PROXY', async () => {
    const url = proxy.url;
    const environment = { https: url, noProxy: 'other.example' };
    expect(await ask({ environment, ca })).toMatchObject({ kind: 'answered' });
    expect(proxy.targets).toHaveLength(1);
    expect(await ask({ environment: { ...environment, noProxy: '127.0.0.0/8' }, ca })).toMatchObject({
      kind: 'answered',
    });
    const plain = `http://127.0.0.1:${portOf(plainPlatform)}`;
    expect(await ask({ environment, ca }, 2000, plain)).toMatchObject({ kind: 'answered' });
    expect(proxy.targets).toHaveLength(1);
  });

  it('is the new one from a change on', async () => {
    const egress = new Egress(egressSection({ proxy: 'http://127.0.0.1:1' }));
    const api = new PlatformApi(`https://127.0.0.1:${portOf(tlsPlatform)}`, egress);
    expect(await api[how](REQUEST, deadline())).toMatchObject({ cause: { fault: 'proxy_refused' } });
    egress.change(egressSection(through()));
    expect(await api[how](REQUEST, deadline())).toMatchObject({ kind: 'answered' });
    expect(proxy.targets).toHaveLength(1);
  });

  it('resumes TLS sessions after a change that leaves its authorities as they are, and no others', async () => {
    const egress = new Egress(egressSection({ ca }));
    const api = new PlatformApi(`https://127.0.0.1:${portOf(tlsPlatform)}`, egress);
    const isResumedAfter = async (section: EgressKeys): Promise<boolean> => {
      egress.change(egressSection(section));
      const resumed = new Promise<boolean>((resolve) => {
        tlsPlatform.once('secureConnection', (socket: TLSSocket) => {
          resolve(socket.isSessionReused());
        });
      });
      expect(await api.fetch(REQUEST, deadline())).toMatchObject({ kind: 'answered' });
      return resumed;
    };
    const resumed = [];
    for (const section of [{ ca }, { ca }, through(), { ca: `${ca}\n${ca}` }]) {
      resumed.push(await isResumedAfter(section));
    }
    expect(resumed).toEqual([false, true, true, false]);
  });
});
