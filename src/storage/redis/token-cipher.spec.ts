import fc from 'fast-check';
import { TokenCipher } from './token-cipher.js';

const KEY_1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const KEY_2 = { id: 'k.2', key: Buffer.alloc(32, 2) };

const SHOP = ['shop', 1];

/** The text, or why there is none. */
function open(cipher: TokenCipher, sealed: string, binding = SHOP): string {
  const opened = cipher.open(binding, sealed);
  return opened.kind === 'opened' ? opened.text : opened.kind;
}

describe('TokenCipher', () => {
  it('opens what it sealed, for the same binding only', () => {
    const cipher = new TokenCipher([KEY_1]);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.nat(), (value, app, generation) => {
        const sealed = cipher.seal([app, generation], value);
        expect(open(cipher, sealed, [app, generation])).toBe(value);
        expect(open(cipher, sealed, [app, generation + 1])).toBe('garbage');
        expect(open(cipher, sealed, [`${app}x`, generation])).toBe('garbage');
        expect(open(cipher, sealed, [app])).toBe('garbage');
      }),
    );
  });

  it('seals with the first key, names it in front, and opens with all', () => {
    const sealed = new TokenCipher([KEY_1]).seal(SHOP, 'token');
    const rotated = new TokenCipher([KEY_2, KEY_1]);
    expect(sealed.startsWith('k1.')).toBe(true);
    expect(rotated.open(SHOP, sealed)).toEqual({ kind: 'opened', text: 'token', keyId: 'k1' });
    expect(rotated.seal(SHOP, 'token').startsWith('k.2.')).toBe(true);
    expect(open(rotated, rotated.seal(SHOP, 'token'))).toBe('token');
    expect(open(new TokenCipher([KEY_2]), sealed)).toBe('unknown_key');
  });

  it('never seals a token the same way twice', () => {
    const cipher = new TokenCipher([KEY_1]);
    expect(cipher.seal(SHOP, 'token')).not.toBe(cipher.seal(SHOP, 'token'));
  });

  it('opens nothing that was changed, and never throws', () => {
    const cipher = new TokenCipher([KEY_1]);
    const sealed = cipher.seal(SHOP, 'token');
    const flipped = `${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`;
    expect(open(cipher, flipped)).toBe('garbage');
    fc.assert(
      fc.property(fc.string(), (garbage) => {
        expect(cipher.open(SHOP, garbage).kind).not.toBe('opened');
        expect(cipher.open(SHOP, `k1.${garbage}`).kind).not.toBe('opened');
      }),
    );
  });

  it('needs a key', () => {
    expect(() => new TokenCipher([])).toThrow('a cipher needs a key');
  });
});
