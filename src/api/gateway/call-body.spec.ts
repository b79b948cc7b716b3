import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readCallBody, type CallBody } from './call-body.js';

const MIB = 1024 * 1024;

describe('the body of a call', () => {
  const spoolDirectory = mkdtempSync(join(tmpdir(), 'call-body-'));
  const server = http.createServer();

  beforeAll(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  afterAll(() => {
    server.close().closeAllConnections();
    rmSync(spoolDirectory, { recursive: true, force: true });
  });

  /** Sends a body and hands over what the gateway makes of it. */
  async function sent(
    body: Buffer | null,
    { isChunked = false, maxBytes = 4 * MIB, directory = spoolDirectory } = {},
  ): Promise<CallBody> {
    const arrived = once(server, 'request') as Promise<[http.IncomingMessage]>;
    const length = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body?.length };
    const request = http.request({
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      method: body ? 'POST' : 'GET',
      headers: body ? length : {},
      agent: false,
    });
    request.on('error', () => undefined).end(body ?? undefined);
    const [message] = await arrived;
    return readCallBody(message, { maxBytes, spoolDirectory: directory });
  }

  /** As undici reads them: it destroys each stream in the end. */
  const bytesOf = async (body: CallBody): Promise<Buffer> => {
    const content = body.content();
    if (!(content instanceof Readable)) return content ?? Buffer.alloc(0);
    const bytes = await buffer(content);
    content.destroy();
    await new Promise(setImmediate);
    return bytes;
  };

  it('names the directory that takes no file, and what to do', async () => {
    const full = sent(Buffer.alloc(2 * MIB), { isChunked: true, directory: '/nowhere' });
    await expect(full).rejects.toMatchObject({
      message: expect.stringMatching(/cannot be kept in \/nowhere: .*gateway\.spoolDirectory/) as string,
      cause: { code: 'ENOENT' },
    });
  });

  it('is none where the call has none, and that can be sent again', async () => {
    const body = await sent(null);
    expect([body.length, body.isHeld, body.content()]).toEqual([null, true, null]);
  });

  it.each([
    ['with its length, empty', 0, false],
    ['with its length, 1 MiB', MIB, false],
    ['in chunks, empty', 0, true],
    ['in chunks, 1 MiB', MIB, true],
    ['in chunks, more than 1 MiB', MIB + 1, true],
    ['in chunks, as much as may be', 4 * MIB, true],
  ])('is held, has its length and can be read twice: %s', async (_, size, isChunked) => {
    const bytes = Buffer.alloc(size, 'body');
    const body = await sent(bytes, { isChunked });
    expect([body.length, body.isHeld]).toEqual([size, true]);
    for (const time of [1, 2]) expect([time, (await bytesOf(body)).equals(bytes)]).toEqual([time, true]);
    expect(readdirSync(spoolDirectory)).toEqual([]);
    body.close();
  });

  it('longer than 1 MiB and with its length passes through, and can be sent once', async () => {
    const bytes = Buffer.alloc(2 * MIB, 'body');
    const body = await sent(bytes);
    expect([body.length, body.isHeld]).toEqual([bytes.length, true]);
    expect((await bytesOf(body)).equals(bytes)).toBe(true);
    expect(body.isHeld).toBe(false);
  });

  it.each([false, true])('of more than maxBytes is refused, in chunks: %s', async (isChunked) => {
    const refused = sent(Buffer.alloc(2 * MIB), { isChunked, maxBytes: 2 * MIB - 1 });
    await expect(refused).rejects.toMatchObject({ code: 'payload_too_large' });
    expect(readdirSync(spoolDirectory)).toEqual([]);
  });
});
