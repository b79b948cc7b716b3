import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { newApiKey, newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { JwtIssuerServer, serviceAccountClaims } from './support/jwt-issuer.js';
import { objectFrom } from './support/object-from.js';
import { startWorld } from './support/start-world.js';
import { makeCertificates, type TestCertificates } from './support/test-certificates.js';

const KEY = newApiKey();
const SCOPES = ['token:read'];
const SPIFFE = 'spiffe://cluster.local/ns/shop/sa/orders';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

describe('a broker with HTTPS, an admin port, and callers without keys', () => {
  let folder: string;
  let server: TestCertificates;
  let callers: TestCertificates;
  let issuer: JwtIssuerServer;
  let broker: BrokerProcess;
  let url: string;
  let adminUrl: string;
  let stopKeys: () => void;
  /** Headers of those who asked for the keys of the issuer. */
  const asked: (string | undefined)[] = [];

  const inFolder = (name: string) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'identities-'));
    server = makeCertificates(inFolder('server'));
    callers = makeCertificates(inFolder('callers'), { names: `DNS:Orders.shop.svc,URI:${SPIFFE}` });
    issuer = await JwtIssuerServer.start('https://kubernetes.default.svc.cluster.local');
    const pem = { cert: certOf(server), key: keyOf(server) };
    const keys = createServer(pem, (request, response) => {
      asked.push(request.headers.authorization);
      response.end(JSON.stringify(issuer.jwks));
    });
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
    stopKeys = () => keys.close();
    const tokenFile = join(folder, 'own-token');
    writeFileSync(tokenFile, 'token-of-the-broker\n');

    const world = await startWorld({
      apps: [{ name: 'shop', ...newApp() }],
      keys: { orders: KEY },
      clients: [
        { name: 'pods', subjects: [{ kubernetes: { namespace: 'shop', serviceAccount: 'orders' } }] },
        { name: 'mesh', certificates: [{ san: SPIFFE }] },
      ].map((client) => ({ ...client, apps: '*', scopes: SCOPES })),
      server: {
        adminPort: 0,
        tls: {
          cert: { file: server.certFile },
          key: { file: server.keyFile },
          clientCa: { file: callers.caFile },
        },
      },
      sections: {
        identities: {
          jwt: [
            {
              issuer: issuer.issuer,
              audience: 'broker',
              jwksUri: `https://127.0.0.1:${String((keys.address() as AddressInfo).port)}/openid/v1/jwks`,
              caFile: server.caFile,
              tokenFile,
            },
          ],
        },
      },
    });
    broker = world.broker;
    ({ url } = broker);
    adminUrl = String(broker.logs().find(({ event }) => event === 'server.listening')?.adminUrl);
    await eventually('ready', async () => (await ask(`${url}/health/ready`)).status === 200);
  });
  afterAll(async () => {
    stopKeys();
    await issuer.stop();
    rmSync(folder, { recursive: true });
  });

  function ask(target: string, key?: string, options: RequestOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const request = httpsRequest(
        target,
        { ca: server.ca, agent: false, headers, ...options },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.once('end', () => {
            resolve({ status: response.statusCode ?? 0, text, body: objectFrom(text) });
          });
        },
      );
      request.once('error', reject);
      request.end();
    });
  }

  function shaken(options: object): Promise<TLSSocket | string> {
    return new Promise((resolve) => {
      const { port } = new URL(url);
      const socket = connect({ port: Number(port), host: '127.0.0.1', ca: server.ca, ...options });
      socket.once('secureConnect', () => {
        resolve(socket);
      });
      socket.once('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code ?? error.message);
      });
    });
  }

  const withCertificate = () => ({ cert: certOf(callers), key: keyOf(callers) });
  const events = (event: string) => broker.logs().filter((line) => line.event === event);

  it('speaks TLS 1.2 and 1.3 only, and no HTTP beside it', async () => {
    const versions = [];
    for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
      const socket = (await shaken({ minVersion: version, maxVersion: version })) as TLSSocket;
      versions.push(socket.getProtocol());
      socket.destroy();
    }
    expect(versions).toEqual(['TLSv1.3', 'TLSv1.2']);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    expect(await shaken(old)).toMatch(/PROTOCOL_VERSION/);
    await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
  });

  it('takes an API key, the JWT of a ServiceAccount, and a certificate', async () => {
    const account = { namespace: 'shop', serviceAccount: 'orders', audience: 'broker' };
    const claims = serviceAccountClaims(Math.floor(Date.now() / 1000), account);
    const jwt = await issuer.sign(Date.now(), claims, 'RS256');
    const answers = [
      await ask(`${url}/token`, KEY),
      await ask(`${url}/token`, jwt),
      await ask(`${url}/token`, undefined, withCertificate()),
    ];
    expect(answers.map(({ status, body }) => [status, body.app])).toEqual(Array(3).fill([200, 'shop']));
    const reads = events('token.read').concat(broker.logs().filter(({ action }) => action === 'token.read'));
    expect(new Set(reads.map(({ client }) => client))).toEqual(new Set(['orders', 'pods', 'mesh']));
    expect(new Set(asked)).toEqual(new Set(['Bearer token-of-the-broker']));
  });

  it('asks for a key where the certificate is of nobody, or there is none', async () => {
    const stranger = makeCertificates(inFolder('stranger'), { names: `URI:${SPIFFE}` });
    const forged = { cert: certOf(stranger), key: keyOf(stranger) };
    expect((await ask(`${url}/token`, undefined, forged)).body).toMatchObject({ code: 'unauthorized' });
    expect((await ask(`${url}/token`)).body).toMatchObject({ code: 'unauthorized' });
    expect((await ask(`${url}/token`, KEY, forged)).status).toBe(200);
  });

  it('lets a wrong key or JWT win over a good certificate', async () => {
    const refused = await ask(`${url}/token`, newApiKey(), withCertificate());
    const expired = await ask(`${url}/token`, await issuer.sign(0), withCertificate());
    expect([refused.body.code, expired.body.code]).toEqual(['unauthorized', 'jwt_expired']);
    const line = await eventually('its line', () => events('auth.jwt_refused')[0]);
    expect(line).toMatchObject({ reason: 'expired', seen: { iss: issuer.issuer, aud: 'broker' } });
    expect(JSON.stringify(line)).not.toContain('eyJ');
  });

  it('names apps on the admin port alone', async () => {
    expect((await ask(`${url}/health/ready`)).text).toBe('{"status":"ready"}');
    expect((await ask(`${url}/health/live`)).status).toBe(200);
    expect((await ask(`${url}/metrics`)).body).toMatchObject({ status: 404, code: 'not_found' });
    expect((await ask(`${adminUrl}/health/ready`)).body).toMatchObject({ apps: [{ app: 'shop' }] });
    expect((await ask(`${adminUrl}/health/live`)).status).toBe(200);
    expect((await ask(`${adminUrl}/metrics`)).text).toContain('tokenbroker_jwks_up{issuer=');
    expect((await ask(`${adminUrl}/token`, KEY)).body).toMatchObject({ status: 404, code: 'not_found' });
    expect((await ask(`${adminUrl}/nowhere`)).status).toBe(404);
  });

  it('shows a new certificate to new connections, keeps the others, and stays with a good one when files break', async () => {
    const kept = (await shaken({})) as TLSSocket;
    const before = kept.getPeerCertificate().fingerprint256;
    const fingerprint = async () => {
      const socket = await shaken({ rejectUnauthorized: false });
      if (typeof socket === 'string') return socket;
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const good = makeCertificates(inFolder('next'));
    writeFileSync(server.keyFile, 'broken');
    await eventually('told of the broken file', () => events('server.certificate_unusable').length > 0);
    expect(events('server.certificate_unusable')[0]).toMatchObject({ file: 'key' });
    expect(await fingerprint()).toBe(before);

    copyFileSync(good.certFile, server.certFile);
    copyFileSync(good.keyFile, server.keyFile);
    await eventually('a new certificate', async () => (await fingerprint()) !== before, 10_000);
    expect((await ask(`${adminUrl}/health/live`, undefined, { ca: good.ca })).status).toBe(200);

    kept.write(`GET /token HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${KEY}\r\n\r\n`);
    const answer = await new Promise<string>((resolve) =>
      kept.once('data', (data: Buffer) => {
        resolve(data.toString());
      }),
    );
    kept.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

const certOf = ({ certFile }: TestCertificates): string => readFileSync(certFile, 'utf8');
const keyOf = ({ keyFile }: TestCertificates): string => readFileSync(keyFile, 'utf8');
