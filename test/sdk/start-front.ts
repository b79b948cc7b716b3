import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { OwnProcess } from '../support/own-process.js';

const CONF = new URL('front/nginx.conf', import.meta.url);
const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

export interface Front {
  readonly url: string;
  /** All that nginx printed so far, its error log among it. */
  readonly output: () => string;
}

/** nginx with the rules of docs/adopting.md: token, ticket and login paths go to the broker, all others to WeChat. */
export async function startFront(brokerUrl: string, wechatUrl: string): Promise<Front> {
  const folder = mkdtempSync(join(tmpdir(), 'access-token-broker-front-'));
  const port = String(await freePort());
  const conf = readFileSync(CONF, 'utf8')
    .replace('FRONT_PORT', port)
    .replace('http://token-broker:8080', brokerUrl)
    .replace('https://api.weixin.qq.com', wechatUrl);
  writeFileSync(join(folder, 'nginx.conf'), conf);
  const nginx = new OwnProcess('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { cwd: folder });
  folders.push(folder);
  const url = `http://127.0.0.1:${port}`;
  await eventually('nginx listening', async () => {
    if (!nginx.isRunning) throw new Error(`nginx ended: ${nginx.output}`);
    return fetch(`${url}/nothing`).then(
      () => true,
      () => false,
    );
  });
  return { url, output: () => nginx.output };
}
