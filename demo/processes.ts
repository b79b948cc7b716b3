import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 5_000;
const LOG_TAIL = 15;

export const INTERRUPTED = new Error('interrupted');
/** Aborted with that by Ctrl-C, and by a service that ends by itself: whoever waits for something stops waiting. */
export const over = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    over.abort(INTERRUPTED);
  });
}

/** Starts a command of the built package. `url` rejects if it does not listen. */
export function start(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, '..'),
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code, signal]) => {
    over.abort(new Error(`${name} ended by itself (${String(signal ?? `exit code ${String(code)}`)})`));
  });
  const log: string[] = [];
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.splice(0, log.length - LOG_TAIL + 1);
      log.push(line);
      const [, address] = /listening.*?(http:\/\/[\d.]+:\d+)/.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
    over.signal.addEventListener('abort', () => {
      reject(INTERRUPTED);
    });
    setTimeout(reject, START_LIMIT_MS, new Error(`${name} does not listen`)).unref();
  });
  const stop = async () => {
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(force);
  };
  return { log, url, stop };
}
