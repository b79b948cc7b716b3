import { generateApiKey, sha256Hex } from './api-key.js';
import { keygen } from './keygen.command.js';

function run(...args: string[]) {
  let [out, err] = ['', ''];
  const code = keygen({ args, out: (text) => (out += text), err: (text) => (err += text) });
  return { code, out, err };
}

describe('an API key', () => {
  it('is 32 random bytes in base64url, with a prefix, known by its SHA-256', () => {
    const { key, sha256 } = generateApiKey();
    expect(key).toMatch(/^tbk_[A-Za-z0-9_-]{43}$/);
    expect(sha256).toBe(sha256Hex(key));
    expect(generateApiKey().key).not.toBe(key);
  });

  it('is hashed as sha256sum does it', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('keygen', () => {
  it('prints a key and its hash, and where each goes', () => {
    const { code, out } = run();
    const [, key = ''] = /^API key: (\S+)$/m.exec(out) ?? [];
    expect(code).toBe(0);
    expect(key).toMatch(/^tbk_/);
    expect(out).toContain(`SHA-256: ${sha256Hex(key)}\n`);
    expect(out).toMatch(/caller.*BROKER_API_KEY[\s\S]*clients\[\]\.keySha256/);
  });

  it('prints a key for encryption', () => {
    const [, key = ''] = /^encryption key: (\S+)$/m.exec(run('--encryption').out) ?? [];
    expect(Buffer.from(key, 'base64')).toHaveLength(32);
  });

  it('refuses what it does not know, and makes no key', () => {
    const err = expect.stringContaining('usage:') as string;
    expect(run('--encryption', '--more')).toEqual({ code: 2, out: '', err });
  });

  it('explains itself, and makes no key', () => {
    const out = expect.stringMatching(/^usage: access-token-broker keygen/) as string;
    expect(run('--help')).toEqual({ code: 0, out, err: '' });
  });
});
