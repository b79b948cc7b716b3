import { once } from 'node:events';
import { createServer, request as send, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

/**
 * Sends each request to the next of these addresses, in turn, as a balancer does. Returns its own. Ends with the test file.
 *
 * @param onRequest is told of each before it is sent on
 */
export async function startBalancer(
  urls: readonly string[],
  onRequest: (path: string) => void = () => undefined,
): Promise<string> {
  let count = 0;
  const server = createServer((incoming, response) => {
    const url = urls[count++ % urls.length] ?? '';
    const { method, headers } = incoming;
    onRequest(incoming.url ?? '');
    const outgoing = send(url + (incoming.url ?? ''), { method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.writeHead(502).end());
    incoming.pipe(outgoing);
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
