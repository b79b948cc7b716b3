import { fileURLToPath } from 'node:url';
import { startBroker } from './support/broker-process.js';
import { newApp } from './support/broker-config.js';
import { eventually } from './support/eventually.js';
import { OwnProcess } from './support/own-process.js';

const APP = newApp();
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Nobody answers its fetches, which no signal needs. */
const ENV = {
  BROKER_APP_ID: APP.appId,
  BROKER_APP_SECRET: APP.appSecret,
  BROKER_API_KEY: `tbk_${'k'.repeat(43)}`,
  WECHAT_API_BASE_URL: 'http://127.0.0.1:9',
};

const broker = (throughCli: boolean) => startBroker({ env: ENV, throughCli });

describe('signals', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s stops the broker in order', async (signal) => {
    const one = await broker(false);
    one.process.signal(signal);
    expect([await one.process.ended, one.process.endedBy]).toEqual([0, null]);
    expect(one.logs()).toContainEqual(expect.objectContaining({ event: 'server.stopping', signal }));
  });

  it('SIGTERM to npm start reaches the broker, and leaves none behind', async () => {
    const env = { ...ENV, PORT: '0', HOST: '127.0.0.1' };
    const npm = new OwnProcess('npm', ['start'], { cwd: ROOT, env });
    await eventually('listening', () => npm.output.includes('server.listening') || undefined, 20_000);
    const [, url = ''] = /"url":"(http[^"]+)"/.exec(npm.output) ?? [];
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    npm.signal('SIGTERM');
    await npm.ended;
    await eventually('stopped in order', () => npm.output.includes('server.stopping') || undefined);
    await eventually('gone', () =>
      fetch(url).then(
        () => undefined,
        () => true,
      ),
    );
  }, 30_000);

  it.each(['SIGSEGV', 'SIGBUS', 'SIGUSR2'] as const)('%s ends it at once, as by default', async (signal) => {
    const { process } = await broker(false);
    process.signal(signal);
    expect([await process.ended, process.endedBy]).toEqual([null, signal]);
  });

  it.each([
    ['npm start', false],
    ['access-token-broker serve', true],
  ])('SIGUSR1 opens no inspector, and harms nobody: %s', async (_, throughCli) => {
    const { process } = await broker(throughCli);
    process.signal('SIGUSR1');
    await eventually('word of the signal', () => process.stderr.includes('SIGUSR1 is ignored') || undefined);
    expect(process.output).not.toMatch(/debugger|inspector/i);
    process.signal('SIGTERM');
    expect(await process.ended).toBe(0);
  });
});
