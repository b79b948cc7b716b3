import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to outgoing connections, so that none takes it while its server is down. */
const FIRST = 20_000;
const LAST = 31_999;

/**
 * Each worker of one Jest takes from its own slice, so that no two of them give out one port before its server listens.
 * Another Jest on this machine most likely has other slices.
 */
const SLICES = 16;
const SLICE = Math.floor((LAST + 1 - FIRST) / SLICES);
const worker = Number(process.env.JEST_WORKER_ID ?? 0);
const start = FIRST + ((process.ppid + worker) % SLICES) * SLICE;
let next = randomInt(SLICE);

/**
 * A port of the loopback address that nobody listens on, and that this process gave to nobody else lately.
 *
 * @param isFree tells whether one can be listened on
 */
export async function freePort(isFree = canListen): Promise<number> {
  for (let tries = 0; tries < SLICE; tries += 1) {
    next = (next + 1) % SLICE;
    const port = start + next;
    if (await isFree(port)) return port;
  }
  throw new Error(`All ports from ${String(start)} to ${String(start + SLICE - 1)} are taken`);
}

/** Rejects where it cannot be told, as for want of file descriptors: another port would do no better. */
function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
      .once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') resolve(false);
        else reject(error);
      })
      .listen(port, '127.0.0.1', () => {
        server.close(() => {
          resolve(true);
        });
      });
  });
}
