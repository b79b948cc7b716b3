import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { newApiKey, newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { request } from './support/http-client.js';
import { objectFrom } from './support/object-from.js';
import { startWorld } from './support/start-world.js';
import { tempFile } from './support/temp-file.js';

const KEYS = { orders: newApiKey(), mailer: newApiKey() };

const allOf = (broker: BrokerProcess) => broker.logs().filter(({ stream }) => stream === 'audit');
/** Without the first, which says who may what. */
const auditOf = (broker: BrokerProcess) => allOf(broker).filter(({ event }) => event !== 'audit.config');

/** Its lines once there are so many: they come by another way than the answers. */
const audited = (broker: BrokerProcess, count: number) =>
  eventually(`${String(count)} lines`, () => {
    const lines = auditOf(broker);
    return lines.length >= count && lines;
  });

function worldWith(audit?: object, secretFile?: string) {
  return startWorld({
    apps: [{ name: 'shop', ...newApp(), ...(secretFile !== undefined && { secretFile }) }],
    keys: KEYS,
    ...(audit && { sections: { audit } }),
  });
}

async function readyWith(audit?: object): Promise<BrokerProcess> {
  const { broker } = await worldWith(audit);
  await broker.ready();
  return broker;
}

describe('the audit stream of a broker as it is by default', () => {
  it('begins with who may what, without a key', async () => {
    const broker = await readyWith();
    const [first] = allOf(broker);
    expect(first).toMatchObject({ event: 'audit.config', apps: ['shop'] });
    expect(first?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(first?.clients).toMatchObject([
      { name: 'orders', keys: [expect.stringMatching(/^[0-9a-f]{8}$/)] },
      { name: 'mailer', keys: [expect.stringMatching(/^[0-9a-f]{8}$/)] },
    ]);
    expect(JSON.stringify(first)).not.toContain(KEYS.orders);
  }, 30_000);

  it('tells who uses which token, once for each caller and generation', async () => {
    const broker = await readyWith();
    for (let reads = 0; reads < 50; reads += 1) {
      await broker.token('shop');
      await broker.get('/token', KEYS.mailer);
    }
    const report = await broker.post('/token/refresh', { app: 'shop', errcode: 40001 });
    const forced = await request(`${broker.url}/token/refresh`, {
      method: 'POST',
      key: KEYS.mailer,
      body: { force: true },
      headers: { 'x-request-id': 'incident-4711' },
    });
    for (let reads = 0; reads < 5; reads += 1) await broker.token('shop');

    const lines = await audited(broker, 5);
    expect(lines.map(({ event, client, reason }) => [event, client, reason])).toEqual([
      ['token.read', 'orders', null],
      ['token.read', 'mailer', null],
      ['token.report', 'orders', report.body.reason],
      ['token.force', 'mailer', 'rotated'],
      ['token.read', 'orders', null],
    ]);
    expect(lines[3]).toMatchObject({
      app: 'shop',
      status: 200,
      generation: forced.body.generation,
      request_id: 'incident-4711',
      remote: '127.0.0.1',
      key: createHash('sha256').update(KEYS.mailer).digest('hex').slice(0, 8),
    });
    const rotated = broker.logs().filter(({ event }) => event === 'token.rotated');
    expect(rotated.map((line) => line.request_id)).toEqual([undefined, 'incident-4711']);
    expect(rotated[1]).toMatchObject({ token_sha256_8: lines[3]?.token_sha256_8, reason: 'force' });
  }, 30_000);

  it('is not filled by somebody who hammers with a wrong key, and loses no count', async () => {
    const broker = await readyWith();
    const stray = newApiKey();
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 50 }, () => broker.get('/token?app=shop', stray)));
    }
    const lines = await audited(broker, 60);
    expect(lines).toHaveLength(60);
    expect(lines[0]).toMatchObject({
      event: 'access.refused',
      client: null,
      status: 401,
      reason: 'unknown_key',
      route: '/token',
    });
    await broker.stop();
    expect(auditOf(broker).slice(60)).toEqual([
      expect.objectContaining({ event: 'audit.suppressed', reason: 'unknown_key', suppressed: 940 }),
    ]);
  }, 30_000);

  it('tells of secrets that were read anew', async () => {
    const [before, after] = [newApp().appSecret, newApp().appSecret];
    const secretFile = tempFile(before);
    const { broker } = await worldWith(undefined, secretFile);
    writeFileSync(secretFile, after);
    const line = await eventually('recorded', () =>
      auditOf(broker).find(({ event }) => event === 'secret.reloaded'),
    );
    expect(line).toMatchObject({ client: null, app: 'shop', reason: 'changed' });
    expect(broker.output()).not.toContain(before);
    expect(broker.output()).not.toContain(after);
  }, 30_000);
});

describe('the audit stream as it is configured', () => {
  it('goes to a file, with every read', async () => {
    const destination = tempFile('');
    const broker = await readyWith({ reads: 'all', destination });
    for (let reads = 0; reads < 3; reads += 1) await broker.token('shop');
    const lines = readFileSync(destination, 'utf8').trimEnd().split('\n').map(objectFrom);
    expect(lines.shift()).toMatchObject({ stream: 'audit', event: 'audit.config' });
    expect(lines.map(({ stream, event, client }) => [stream, event, client])).toEqual(
      Array.from({ length: 3 }, () => ['audit', 'token.read', 'orders']),
    );
    expect(auditOf(broker)).toEqual([]);
  }, 30_000);

  it('goes to standard error, without the reads', async () => {
    const broker = await readyWith({ reads: 'none', destination: 'stderr' });
    await broker.token('shop');
    await broker.get('/token', 'tbk_of-nobody-in-particular');
    expect(auditOf(broker)).toEqual([]);
    await eventually('its line', () => /access\.refused.*\n$/.test(broker.process.stderr));
    const lines = broker.process.stderr.trimEnd().split('\n').map(objectFrom);
    expect(lines.map(({ event }) => event)).toEqual(['audit.config', 'access.refused']);
  }, 30_000);

  it('does not start when its file cannot be opened', async () => {
    const start = worldWith({ destination: '/no/such/folder/audit.log' });
    await expect(start).rejects.toThrow(/audit\.destination: \S+ cannot be opened \(ENOENT\)/);
  }, 30_000);
});
