/**
 * The load: `load.ts <url> <connections> [<every> [<apps>]]`, with the API key in API_KEY; `*` in the URL stands for 0 to apps - 1, in turn. Each line on stdin is a number of milliseconds: for
 * so long each connection sends a request every so many milliseconds, or as soon as the last answer is complete where that is later. Then it prints one line of JSON, a `Slice`,
 * and the connections rest. Over bare sockets, because an HTTP client would cost more than the servers it measures.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [address = '', connections = '64', every = '0', apps = '1'] = process.argv.slice(2);
const { hostname, port, pathname, search } = new URL(address);
const requests = Array.from({ length: Number(apps) }, (_, app) =>
  Buffer.from(
    `GET ${pathname}${search.replace('*', String(app))} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${process.env.API_KEY ?? ''}\r\n\r\n`,
  ),
);
let next = 0;
const everyMs = Number(every);
const latencyUs = createHistogram();
let isOver = true;
/** Answers that have not come yet. */
let open = 0;
/** Answers that said 401 or 429. */
let refused = 0;

/** Resolves to what sends the first request of a slice. */
function converse(): Promise<() => void> {
  let sentAt = 0;
  let dueAt = 0;
  let missing = 0;
  const send = (): void => {
    open += 1;
    sentAt = performance.now();
    socket.write(requests[next] ?? '');
    next = (next + 1) % requests.length;
  };
  const sendUnlessOver = (): void => {
    if (!isOver) send();
  };
  /** By due times, which a late answer or a timer that is not to the point does not move: the rate is the one that was asked for. */
  const sendWhenDue = (): void => {
    dueAt += everyMs;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) setTimeout(sendUnlessOver, waitMs);
    else send();
  };
  const begin = (): void => {
    dueAt = performance.now();
    send();
  };
  const socket = connect({
    host: hostname,
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(4096),
      callback: (length, chunk) => {
        if (missing === 0) missing = answerLength(Buffer.from(chunk.buffer, chunk.byteOffset, length));
        missing -= length;
        assert.ok(missing >= 0, 'more than the answer came');
        if (missing > 0) return true;
        open -= 1;
        if (isOver) return true;
        latencyUs.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
        sendWhenDue();
        return true;
      },
    },
  });
  return new Promise((resolve) => {
    socket.once('connect', () => {
      resolve(begin);
    });
  });
}

/** Bytes of the answer that begins with this chunk. A head in two chunks is not foreseen: it is far shorter than a packet. */
function answerLength(chunk: Buffer): number {
  const headLength = chunk.indexOf('\r\n\r\n') + 4;
  const head = chunk.toString('latin1', 0, headLength);
  const [, status, contentLength] =
    /^HTTP\/1\.1 (200|401|429) [^]*\r\ncontent-length: (\d+)\r\n/i.exec(head) ?? [];
  if (status !== '200') refused += 1;
  assert.ok(headLength > 3 && contentLength !== undefined, `not an answer to measure: ${head}`);
  return headLength + Number(contentLength);
}

async function slice(begins: readonly (() => void)[], ms: number) {
  latencyUs.reset();
  refused = 0;
  isOver = false;
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  for (const [index, begin] of begins.entries()) {
    if (everyMs === 0) begin();
    else setTimeout(begin, (everyMs * index) / begins.length);
  }
  await sleep(ms);
  isOver = true;
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  while (open > 0) await sleep(1);
  // Until no connection would begin again.
  await sleep(everyMs);
  return {
    requests: latencyUs.count,
    refused,
    elapsedMs,
    p50Ms: latencyUs.percentile(50) / 1000,
    p99Ms: latencyUs.percentile(99) / 1000,
    cpuMs: (user + system) / 1000,
  };
}

const begins = await Promise.all(Array.from({ length: Number(connections) }, converse));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await slice(begins, Number(line))));
}
process.exit();
