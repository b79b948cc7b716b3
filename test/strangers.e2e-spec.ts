import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { newApp } from './support/broker-config.js';
import { startWorld, type World } from './support/start-world.js';

const APPS = 300;
/** As in a container with 320 MiB. */
const HEAP_MB = 160;
const MAX_RESIDENT_MB = 200;
/** Of the broker's processor time while another caller waits, because how long that takes depends on what else the machine does. */
const MAX_WORK_MS = 1000;
/** Linux counts processor time in these. */
const TICK_MS = 10;
const BYTES = 64 * 1024;

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

const ROUTES: readonly (readonly [string, string])[] = [
  ['the metrics', get('/metrics')],
  ['liveness', get('/health/live')],
  ['readiness', get('/health/ready')],
  ['the documentation', get('/docs')],
  ['a script of the documentation', get('/docs/swagger-ui-bundle.js')],
  ['the OpenAPI document', get('/docs/openapi.json')],
  ['a token without a key', get('/token?app=app-1')],
  ['the apps with a wrong key', 'GET /apps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n'],
  ['a stream without a key', get('/token/events?app=app-1')],
  ['a report without a key', 'POST /token/refresh HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}'],
  ['a drop-in token', get('/cgi-bin/token?grant_type=client_credential&appid=wx0&secret=x')],
  ['a drop-in ticket', get('/cgi-bin/ticket/getticket?access_token=x&type=jsapi')],
  ['no route', get('/')],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['an odd expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n'],
  ['no HTTP', 'x'],
];

describe(`strangers who send 64 KiB of requests and read nothing, at a heap of ${HEAP_MB} MB and with ${APPS} apps`, () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({
      apps: Array.from({ length: APPS }, (_, index) => ({ name: `app-${index}`, ...newApp() })),
      server: { docs: true },
      env: { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB} --max-semi-space-size=8` },
    });
    await world.broker.ready();
  });

  const residentMb = (): number => {
    const status = readFileSync(`/proc/${String(world.broker.process.pid)}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  };

  const workedMs = (): number => {
    const stat = readFileSync(`/proc/${String(world.broker.process.pid)}/stat`, 'utf8');
    const [userTicks, systemTicks] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14);
    return (Number(userTicks) + Number(systemTicks)) * TICK_MS;
  };

  async function flood(request: string): Promise<Socket> {
    const { hostname, port } = new URL(world.broker.url);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    await once(socket, 'connect');
    socket.pause();
    socket.write(request.repeat(Math.floor(BYTES / request.length)));
    return socket;
  }

  it.each(ROUTES)('asking for %s', async (_, request) => {
    for (const connections of [1, 20]) {
      const sockets = await Promise.all(Array.from({ length: connections }, () => flood(request)));
      let resident = 0;
      let mostWork = 0;
      for (let round = 0; round < 15; round += 1) {
        const beforeMs = workedMs();
        expect((await world.broker.get(`/token?app=app-${round}`)).status).toBe(200);
        mostWork = Math.max(mostWork, workedMs() - beforeMs);
        resident = Math.max(resident, residentMb());
        await sleep(20);
      }
      for (const socket of sockets) socket.destroy();
      expect(mostWork).toBeLessThan(MAX_WORK_MS);
      expect(resident).toBeLessThan(MAX_RESIDENT_MB);
      expect(world.broker.process.isRunning).toBe(true);
    }
  });
});
