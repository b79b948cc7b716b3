import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConsolePages } from './console-pages.route.js';

describe('the files of the console', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'console-pages-'));
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'index.html'), '<!doctype html>page');
    for (const [suffix, text] of [
      ['', 'script'],
      ['.br', 'as brotli'],
      ['.gz', 'as gzip'],
    ] as const) {
      writeFileSync(join(folder, 'assets', `main-0123.js${suffix}`), text);
    }
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('are the page, which is asked for again, and assets, which are kept', () => {
    const pages = new ConsolePages([folder]);
    expect(pages.get('')).toEqual({
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        vary: 'accept-encoding',
      },
      bytes: Buffer.from('<!doctype html>page'),
    });
    expect(pages.get('assets/main-0123.js')?.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
  });

  it.each([
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0.9, gzip', 'br'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['identity', undefined],
    ['', undefined],
  ])('are compressed as the browser takes it: %p', (accepted, encoding) => {
    const file = new ConsolePages([folder]).get('assets/main-0123.js', accepted);
    expect(file?.headers['content-encoding']).toBe(encoding);
    const text = { br: 'as brotli', gzip: 'as gzip' }[encoding ?? ''] ?? 'script';
    expect(file?.bytes.toString()).toBe(text);
  });

  it.each(['../package.json', 'assets/../../package.json', 'nothing', 'assets', 'assets/', 'constructor'])(
    'are no others: %s',
    (path) => {
      expect(new ConsolePages([folder]).get(path)).toBeUndefined();
    },
  );

  it('are of the first folder that has them; without any, a page says what to do', () => {
    expect(new ConsolePages([join(folder, 'nowhere'), folder]).isBuilt).toBe(true);
    const none = new ConsolePages([join(folder, 'nowhere')]);
    expect([none.isBuilt, none.get('')?.bytes.toString()]).toEqual([
      false,
      expect.stringContaining('npm run build'),
    ]);
    expect(none.get('assets/main-0123.js')).toBeUndefined();
  });
});
