/** `npm run bench:gateway-memory -- [--uploads 1000] [--seconds 30]`: what bodies on their way cost the broker. docs/benchmarks.md has the goals. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { API_KEY, startGatewayWorld } from './gateway-world.ts';
import { residentMb } from './measured.ts';

const MIB = 1024 * 1024;
const BODY = Buffer.alloc(10 * MIB, 'body');
const WARM_UP_UPLOADS = 50;
const READERS = 50;
const UPLOADERS = 200;
const BYTES_A_SECOND = 1024;

const { values: options } = parseArgs({
  options: { uploads: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '30' } },
});
const uploads = Number(options.uploads);
const seconds = Number(options.seconds);
assert.ok(uploads >= 1 && seconds >= 1, '--uploads and --seconds must be numbers above 0');

const { broker } = await startGatewayWorld();
const { host, hostname, port } = new URL(broker.url);
const agent = new http.Agent({ keepAlive: true });

async function upload(isChunked: boolean, bytes = BODY.length): Promise<void> {
  const request = http.request(`${broker.url}/gateway/plain/cgi-bin/media/upload?type=image`, {
    agent,
    method: 'POST',
    headers: {
      authorization: `Bearer ${API_KEY}`,
      ...(isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes }),
    },
  });
  request.end(BODY.subarray(0, bytes));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  assert.equal(response.statusCode, 200, await text(response));
  await response.toArray();
}

/** Resolves to the resident memory at each look. */
async function watch(looks: number, step: () => Promise<unknown>): Promise<number[]> {
  const seen = [residentMb(broker)];
  for (let look = 0; look < looks; look += 1) {
    await step();
    seen.push(residentMb(broker));
  }
  return seen;
}

function tell(what: string, seen: readonly number[]): void {
  const [first = NaN] = seen;
  const most = Math.max(...seen);
  const last = seen.at(-1) ?? NaN;
  console.log(
    `${what.padEnd(52)}${first.toFixed(0)} MB at first, ${most.toFixed(0)} at most, ${last.toFixed(0)} at last: ${(most - first).toFixed(0)} MB more (goal: at most 30)`,
  );
}

async function open(head: string): Promise<Socket> {
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  socket.write(`${head} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${API_KEY}\r\n`);
  return socket;
}

/** Each second as many bytes as it may, for as long as the test lasts. */
async function slowly(opened: Promise<Socket[]>, step: (socket: Socket) => void): Promise<number[]> {
  const first = residentMb(broker);
  const sockets = await opened;
  const seen = await watch(seconds, async () => {
    for (const socket of sockets) step(socket);
    await sleep(1000);
  });
  for (const socket of sockets) socket.destroy();
  await sleep(500);
  return [first, ...seen];
}

async function readSlowly(): Promise<number[]> {
  const opened = Array.from({ length: READERS }, async () => {
    const socket = await open('GET /gateway/plain/cgi-bin/media/get?media_id=m1');
    socket.pause().write('\r\n');
    return socket;
  });
  return slowly(Promise.all(opened), (socket) => {
    socket.read(BYTES_A_SECOND);
  });
}

// A replica that has streamed nothing yet has none of the memory that this takes.
await upload(false, 1);
await sleep(2000);
tell(`${READERS} readers of 1 KiB/s on 32 MiB, before all else:`, await readSlowly());

for (const isChunked of [false, true]) {
  const one = () => upload(isChunked);
  await watch(WARM_UP_UPLOADS, one);
  const how = isChunked ? 'chunked, by a file' : 'with a length, streamed';
  tell(`${uploads} uploads of 10 MiB, ${how}:`, await watch(uploads, one));
}

tell(`${READERS} readers of 1 KiB/s on 32 MiB, after them:`, await readSlowly());

const uploaders = Array.from({ length: UPLOADERS }, async () => {
  const socket = await open('POST /gateway/plain/cgi-bin/media/upload');
  socket.write(`Content-Length: ${BODY.length}\r\n\r\n`);
  return socket;
});
const sent = await slowly(Promise.all(uploaders), (socket) => {
  socket.write(BODY.subarray(0, BYTES_A_SECOND));
});
tell(`${UPLOADERS} uploaders of 1 KiB/s:`, sent);
process.exit(0);
