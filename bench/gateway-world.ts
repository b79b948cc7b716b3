/** A platform and a broker in front of it, as `bench:gateway` and `bench:gateway-memory` measure them. */
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOAD_CORE, pinned, SERVER_CORE, start, type Server } from './measured.ts';
import { NPM_START } from './npm-start.ts';

export const API_KEY = `tbk_${randomBytes(32).toString('base64url')}`;

export interface GatewayWorld {
  readonly platform: Server & { readonly secureUrl: string };
  readonly broker: Server;
  /** With the certificate of the platform as `cert.pem`, and nothing else that lasts. */
  readonly folder: string;
}

/** Two apps, `plain` over http and `secure` over https, and one client that may call everything. */
export async function startGatewayWorld(): Promise<GatewayWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-gateway-'));
  process.once('exit', () => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  spawnSync('openssl', ['req', '-x509', ...ec, ...subject, '-keyout', keyFile, '-out', certFile]);

  const platform = await start(
    'direct',
    [...pinned(LOAD_CORE, [process.execPath]), 'bench/platform.server.ts'],
    { KEY: readFileSync(keyFile, 'utf8'), CERT: readFileSync(certFile, 'utf8') },
  );
  const [secureUrl = ''] = /https:\S+/.exec(platform.said) ?? [];
  const app = (name: string, apiBaseUrl: string) => ({
    name,
    appId: `wx${randomBytes(8).toString('hex')}`,
    appSecret: randomBytes(16).toString('hex'),
    apiBaseUrl,
  });
  const config = {
    apps: [app('plain', platform.url), app('secure', secureUrl)],
    rate: { requestsPerSecond: 1_000_000 },
    clients: [
      {
        name: 'bench',
        keySha256: [createHash('sha256').update(API_KEY).digest('hex')],
        apps: '*',
        scopes: ['gateway'],
        gateway: { allow: ['POST /cgi-bin/media/upload', '* /cgi-bin/**'] },
      },
    ],
  };
  const file = join(folder, 'broker.json');
  writeFileSync(file, JSON.stringify(config));
  const broker = await start('gateway', [...pinned(SERVER_CORE, [process.execPath]), ...NPM_START], {
    BROKER_CONFIG: file,
    HOST: '127.0.0.1',
    PORT: '0',
    NODE_EXTRA_CA_CERTS: certFile,
  });
  return { platform: { ...platform, secureUrl }, broker, folder };
}
