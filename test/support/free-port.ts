import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to outgoing connections, so that none takes it while its server is down. */
const FIRST = 20_000;
const LAST = 31_999;

/** Each Jest worker takes from its own slice, so that no two of them give out one port before its server listens. */
const SLICES = 16;
const SLICE = Math.floor((LAST + 1 - FIRST) / SLICES);
const start = FIRST + (Number(process.env.JEST_WORKER_ID ?? 0) % SLICES) * SLICE;
let next = randomInt(SLICE);

/** A port of the loopback address that nobody listens on, and that this process gave to nobody else lately. */
export async function freePort(): Promise<number> {
  for (;;) {
    next = (next + 1) % SLICE;
    const port = start + next;
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => {
        resolve(false);
      })
      .listen(port, '127.0.0.1', () => {
        server.close(() => {
          resolve(true);
        });
      });
  });
}
