/** `npm run bench:client -- [--seconds 3]`: how often a second `get()` of the client answers from memory on one core. */
import { createTokenClient } from '@access-token-broker/client';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '3' } } });
const seconds = Number(values.seconds);
/** Between two looks at the clock, and at what else the process has to do. */
const BATCH = 10_000;

const token = JSON.stringify({
  access_token: '83_token',
  expires_in: 7000,
  generation: 7,
  cache_max_age: 60,
});
let requests = 0;
let length = 0;
const broker = createServer((request, response) => {
  requests += 1;
  if (request.url?.startsWith('/token/events')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`event: token\nid: 7\ndata: ${token}\n\n`);
  } else {
    response.end(token);
  }
}).listen(0, '127.0.0.1');
await once(broker, 'listening');
const { port } = broker.address() as AddressInfo;
const client = createTokenClient({ url: `http://127.0.0.1:${port}`, apiKey: 'tbk_bench' });

/** Calls in a second of this process's own CPU time, whatever else the machine does. */
async function rate(batch: () => Promise<void>): Promise<string> {
  for (let i = 0; i < 20; i += 1) await batch();
  const startMs = performance.now();
  const before = process.cpuUsage();
  let calls = 0;
  while (performance.now() - startMs < seconds * 1000) {
    await batch();
    calls += BATCH;
    await sleep(0);
  }
  const { user, system } = process.cpuUsage(before);
  return `${(calls / (user + system)).toFixed(2)} million a second`;
}

await client.get();
await sleep(200);
const before = requests;
const gets = await rate(async () => {
  for (let i = 0; i < BATCH; i += 1) length += (await client.get()).length;
});
const calls = await rate(async () => {
  for (let i = 0; i < BATCH; i += 1) await client.call((value) => value.length);
});
assert.ok(length > 0);
console.log(`client.get() awaited one by one, on one core, Node ${process.version}`);
console.log(`  ${gets} (goal: over 1 million)`);
console.log(`  call() around a function that is done at once: ${calls}`);
console.log(`  requests to the broker meanwhile: ${requests - before} (goal: 0)`);
process.exit(0);
