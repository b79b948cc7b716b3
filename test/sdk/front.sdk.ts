import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFront } from './start-front.js';

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

/** Answers with its name, the path, and how many bytes it was sent. */
async function startUpstream(name: string): Promise<string> {
  const server = createServer((request, response) => {
    let bytes = 0;
    request.on('data', (chunk: Buffer) => (bytes += chunk.length));
    request.on('end', () => response.end(JSON.stringify({ name, url: request.url, bytes })));
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

describe('the front of docs/adopting.md', () => {
  let front: string;

  beforeAll(async () => {
    ({ url: front } = await startFront(await startUpstream('broker'), await startUpstream('wechat')));
  });

  it.each([
    ['broker', '/cgi-bin/token?appid=wx1&secret=tbk_1'],
    ['broker', '/cgi-bin/stable_token'],
    ['broker', '/cgi-bin/ticket/getticket?type=jsapi'],
    ['wechat', '/cgi-bin/tokens?a=%2Fb'],
    ['wechat', '/cgi-bin/user/info?openid=o-1'],
    ['wechat', '/sns/userinfo?openid=o-1'],
  ])('asks the %s for %s', async (name, url) => {
    const response = await fetch(front + url);
    expect(await response.json()).toEqual({ name, url, bytes: 0 });
  });

  it('lets an upload pass', async () => {
    const bytes = 2 * 1024 * 1024;
    const url = '/cgi-bin/media/upload?type=image';
    const response = await fetch(front + url, { method: 'POST', body: new Uint8Array(bytes) });
    expect(await response.json()).toEqual({ name: 'wechat', url, bytes });
  });

  it.each(['jscode2session', 'oauth2/access_token', 'oauth2/refresh_token'])(
    'shows WeChat no API key that somebody sent to /sns/%s',
    async (path) => {
      const response = await fetch(`${front}/sns/${path}?secret=tbk_1`);
      expect(await response.json()).toMatchObject({ name: 'broker' });
    },
  );
});

describe('the front of docs/adopting.md, while nothing behind it answers', () => {
  it('says so as WeChat would, and logs neither key nor token', async () => {
    const nobody = 'http://127.0.0.1:1';
    const { url, output } = await startFront(nobody, nobody);
    for (const path of ['/cgi-bin/token', '/sns/jscode2session', '/cgi-bin/ticket/getticket']) {
      const response = await fetch(`${url}${path}?appid=wx1&secret=tbk_of-nobody&access_token=83_of-nobody`);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ errcode: -1 });
    }
    expect((await fetch(`${url}/cgi-bin/user/info?access_token=83_of-nobody`)).status).toBe(502);
    expect(output()).not.toContain('of-nobody');
  });
});
