import { once } from 'node:events';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { sleep } from './ports/clock.js';
import { SystemClock } from './system-clock.js';

describe('SystemClock', () => {
  const clock = new SystemClock();

  it('tells monotonic time, wall time and chance', async () => {
    const monoMs = clock.monotonicMs();
    expect(clock.wallMs()).toBeGreaterThan(Date.UTC(2026, 0));
    await sleep(clock, 5);
    expect(clock.monotonicMs() - monoMs).toBeGreaterThan(3);
    expect(clock.random()).toBeGreaterThanOrEqual(0);
    expect(clock.random()).toBeLessThan(1);
  });

  it('calls back once, unless it is told not to, and not at once for longer than a timer can be', async () => {
    const called: string[] = [];
    clock.after(2, () => called.push('soon'));
    clock.after(2, () => called.push('cancelled'))();
    clock.after(2 ** 40, () => called.push('in 35 years'));
    await sleep(clock, 20);
    expect(called).toEqual(['soon']);
  });

  it('calls back when it is time, though nothing else happens: the loop does not sleep before', async () => {
    const called = new Promise<void>((resolve) => {
      clock.after(1, resolve);
    });
    const awaited = new Promise<string[]>((resolve) => {
      setTimeout(() => {
        resolve(process.getActiveResourcesInfo());
      }, 1);
    });
    blockFor(10);
    expect(await awaited).toContain('Immediate');
    await called;
  });

  it('reads what arrived while the process was busy before it says that the time is over', async () => {
    const answering = new Worker(
      `const { createServer } = require('node:net');
       const server = createServer((socket) => socket.on('data', () => socket.write('answer')));
       server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port));`,
      { eval: true },
    );
    try {
      const [port] = (await once(answering, 'message')) as [number];
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      const seen: string[] = [];
      const answered = once(socket, 'data').then(() => seen.push('answer'));
      const isOver = new Promise<void>((resolve) => {
        clock.after(20, () => {
          seen.push('deadline');
          resolve();
        });
      });
      socket.write('question');
      blockFor(200);
      await Promise.all([answered, isOver]);
      socket.destroy();
      expect(seen).toEqual(['answer', 'deadline']);
    } finally {
      await answering.terminate();
    }
  });
});

function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
