/** A platform that answers every business call at once, `media/get` with 32 MiB, on http and, with the key and certificate in KEY and CERT, on https. */
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

const { KEY: key, CERT: cert } = process.env;
const TOKEN = JSON.stringify({ access_token: `83_${'t'.repeat(150)}`, expires_in: 7200 });
const FILE = Buffer.alloc(32 * 1024 * 1024, 'file');
const ANSWER = JSON.stringify({ subscribe: 1, openid: 'o6_bmjrPTlm6_2sgVt7hMZOPfL2M', language: 'zh_CN' });

const listener: RequestListener = (request, response) => {
  const isForToken = /^\/cgi-bin\/(?:stable_)?token\b/.test(request.url ?? '');
  const isForFile = request.url?.startsWith('/cgi-bin/media/get') === true;
  const body = isForToken ? TOKEN : isForFile ? FILE : ANSWER;
  // Read to its end, as a platform does.
  request.resume().once('end', () => {
    response
      .writeHead(200, {
        'content-type': isForFile ? 'image/jpeg' : 'application/json; encoding=utf-8',
        'content-length': Buffer.byteLength(body),
      })
      .end(body);
  });
};

const options = { keepAliveTimeout: 72_000 };
const servers = [createServer(options, listener), createTlsServer({ key, cert, ...options }, listener)];
const ports = servers.map(async (server) => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
});
const [plain, secure] = await Promise.all(ports);
console.log(`listening on http://127.0.0.1:${plain} and https://127.0.0.1:${secure}`);
