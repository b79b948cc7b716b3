import { writeFileSync } from 'node:fs';
import {
  CLIENT,
  HASH,
  APP,
  faultsOf,
  file,
  inFolder,
  load,
  withClient,
} from '../../test/support/config-file.js';
import { sha256Hex } from './api-key.js';
import { check } from './check.command.js';
import { keysOfClient } from '../core/client-keys.js';
import type { Config } from './config.js';

const KEY = 'tbk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG';
const OTHER_KEY = 'tbk_ABCDEFGabcdefghijklmnopqrstuvwxyz0123456789';
const END = '2027-03-01T00:00:00+08:00';

function keyFile(text = `${KEY}\n`, name = 'orders-key'): string {
  writeFileSync(inFolder(name), text);
  return inFolder(name);
}

const withKeys = (...keys: unknown[]) => withClient({ keySha256: undefined, keys });
const keysIn = ({ clients }: Config) => clients.map(keysOfClient);

describe('API keys with an entry of their own', () => {
  it('are read from their files, or are hashes, and may end', () => {
    const config = load(withKeys({ file: keyFile() }, { sha256: HASH.toUpperCase(), expiresAt: END }));
    expect(keysIn(config)).toEqual([
      [
        { sha256: sha256Hex(KEY), expiresAtMs: null },
        { sha256: HASH, expiresAtMs: Date.UTC(2027, 1, 28, 16) },
      ],
    ]);
    expect(JSON.stringify(config)).not.toContain(KEY);
  });

  it('may stand beside hashes', () => {
    expect(keysIn(load(withClient({ keys: [{ file: keyFile() }] })))).toEqual([
      [
        { sha256: HASH, expiresAtMs: null },
        { sha256: sha256Hex(KEY), expiresAtMs: null },
      ],
    ]);
  });

  // prettier-ignore
  it.each<[string, () => unknown, string]>([
    ['none', () => withKeys(), 'clients[0].keys: must list one to four keys, or be left out'],
    ['five', () => withKeys(...Array.from('12345', (digit) => ({ sha256: digit.repeat(64) }))), 'clients[0].keys: must list one to four keys, or be left out'],
    ['neither file nor hash', () => withKeys({ expiresAt: END }), 'clients[0].keys[0]: must have one of file and sha256; got none'],
    ['both', () => withKeys({ file: keyFile(), sha256: HASH }), 'clients[0].keys[0]: must have one of file and sha256; got both'],
    ['a path that is no text', () => withKeys({ file: { env: 'KEY' } }), 'clients[0].keys[0].file: must be the path of a file'],
    ['no file', () => withKeys({ file: '/no/such/key' }), 'clients[0].keys[0].file: cannot read /no/such/key: ENOENT: no such file or directory'],
    ['an empty file', () => withKeys({ file: keyFile('\n') }), 'clients[0].keys[0].file: FOLDER/orders-key: is empty'],
    ['two keys in one file', () => withKeys({ file: keyFile(`${KEY}\n${OTHER_KEY}\n`) }), 'clients[0].keys[0].file: FOLDER/orders-key: must be visible ASCII characters; `access-token-broker keygen` makes one'],
    ['a key that can be guessed', () => withKeys({ file: keyFile('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') }), 'clients[0].keys[0].file: must be at least 32 random characters; `access-token-broker keygen` makes one'],
    ['the key in the place of its hash', () => withKeys({ sha256: KEY }), 'clients[0].keys[0].sha256: this is the key itself; put its SHA-256 here and keep the key with the caller'],
    ['a time without a zone', () => withKeys({ sha256: HASH, expiresAt: '2027-03-01T00:00:00' }), 'clients[0].keys[0].expiresAt: must be a time with its zone, such as 2027-03-01T00:00:00+08:00'],
    ['a day alone', () => withKeys({ sha256: HASH, expiresAt: '2027-03-01' }), 'clients[0].keys[0].expiresAt: must be a time with its zone, such as 2027-03-01T00:00:00+08:00'],
    ['a day that is none', () => withKeys({ sha256: HASH, expiresAt: '2027-02-30T00:00:00Z' }), 'clients[0].keys[0].expiresAt: must be a time with its zone, such as 2027-03-01T00:00:00+08:00: there is no such day'],
    ['an unknown key', () => withKeys({ sha256: HASH, expires: END }), 'clients[0].keys[0].expires: is not a known key; did you mean expiresAt?'],
    ['a hash twice', () => withClient({ keys: [{ sha256: HASH }] }), 'clients[0].keys[0].sha256: is the same as clients[0].keySha256[0]; it must be its own'],
    ['a key of two callers', () => file({ clients: [{ ...CLIENT, keySha256: [sha256Hex(KEY)] }, { ...CLIENT, name: 'mailer', keySha256: undefined, keys: [{ file: keyFile() }] }] }), 'clients[1].keys[0].file: is the same as clients[0].keySha256[0]; it must be its own'],
  ])('are refused: %s', (_what, tree, fault) => {
    expect(faultsOf(() => load(tree()))).toEqual([fault.replace('FOLDER', inFolder('.'))]);
  });

  it('say in `check` that they end within 14 days, or have', () => {
    const day = 86_400_000;
    const end = Date.parse(END);
    writeFileSync(
      inFolder('check.yaml'),
      JSON.stringify(
        file({ apps: [APP], clients: [{ ...CLIENT, keys: [{ sha256: 'b'.repeat(64), expiresAt: END }] }] }),
      ),
    );
    const warnedAt = (nowMs: number) => {
      let told = '';
      check({
        env: { BROKER_CONFIG: inFolder('check.yaml') },
        nowMs,
        out: (text) => (told += text),
        err: (text) => (told += text),
      });
      return told.split('\n').filter((line) => line.startsWith('warning'));
    };
    expect(warnedAt(end - 14 * day - 1)).toEqual([]);
    expect(warnedAt(end - 14 * day)).toEqual([
      'warning: clients.orders: the API key bbbbbbbb expires at 2027-02-28T16:00:00.000Z',
    ]);
    expect(warnedAt(end)).toEqual([
      'warning: clients.orders: the API key bbbbbbbb expired at 2027-02-28T16:00:00.000Z',
    ]);
  });
});
