/**
 * The load: `load.ts <url> <seconds> <connections>`, with the API key in API_KEY. Each connection sends its next request when
 * the last answer is complete. Over bare sockets, because an HTTP client would cost more than the servers it measures.
 * Prints one line of JSON, a `Load`.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const [address = '', seconds = '1', connections = '64'] = process.argv.slice(2);
const { hostname, port, pathname, search } = new URL(address);
const request = Buffer.from(
  `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${process.env.API_KEY ?? ''}\r\n\r\n`,
);
const latencyUs = createHistogram();
let isOver = false;

function converse(): void {
  let sentAt = 0;
  let missing = 0;
  const send = () => {
    sentAt = performance.now();
    socket.write(request);
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
        if (missing > 0 || isOver) return true;
        latencyUs.record(Math.max(1, Math.round((performance.now() - sentAt) * 1000)));
        send();
        return true;
      },
    },
  });
  socket.on('connect', send);
}

/** Bytes of the answer that begins with this chunk. A head in two chunks is not foreseen: it is far shorter than a packet. */
function answerLength(chunk: Buffer): number {
  const headLength = chunk.indexOf('\r\n\r\n') + 4;
  const head = chunk.toString('latin1', 0, headLength);
  const [, contentLength] = /^HTTP\/1\.1 200 [^]*\r\ncontent-length: (\d+)\r\n/i.exec(head) ?? [];
  assert.ok(headLength > 3 && contentLength !== undefined, `not an answer to measure: ${head}`);
  return headLength + Number(contentLength);
}

for (let i = 0; i < Number(connections); i += 1) converse();
const startedAt = performance.now();
const cpu = process.cpuUsage();
await sleep(Number(seconds) * 1000);
isOver = true;
const elapsedMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpu);
const result = {
  requests: latencyUs.count,
  elapsedMs,
  p50Ms: latencyUs.percentile(50) / 1000,
  p99Ms: latencyUs.percentile(99) / 1000,
  cpuShare: (user + system) / 1000 / elapsedMs,
};
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit());
