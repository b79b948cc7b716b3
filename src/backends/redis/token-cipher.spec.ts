import fc from 'fast-check';
import { TokenCipher } from './token-cipher.js';

const KEY_1 = { id: 'k1', key: Buffer.alloc(32, 1) };
const KEY_2 = { id: 'k.2', key: Buffer.alloc(32, 2) };

describe('TokenCipher', () => {
  it('opens what it sealed, for the same app and generation only', () => {
    const cipher = new TokenCipher([KEY_1]);
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.nat(), (value, app, generation) => {
        const sealed = cipher.seal(app, generation, value);
        expect(cipher.open(app, generation, sealed)).toBe(value);
        expect(cipher.open(app, generation + 1, sealed)).toBeNull();
        expect(cipher.open(`${app}x`, generation, sealed)).toBeNull();
      }),
    );
  });

  it('seals with the first key, names it in front, and opens with all', () => {
    const sealed = new TokenCipher([KEY_1]).seal('shop', 1, 'token');
    const rotated = new TokenCipher([KEY_2, KEY_1]);
    expect(sealed.startsWith('k1.')).toBe(true);
    expect(rotated.open('shop', 1, sealed)).toBe('token');
    expect(rotated.seal('shop', 1, 'token').startsWith('k.2.')).toBe(true);
    expect(rotated.open('shop', 1, rotated.seal('shop', 1, 'token'))).toBe('token');
    expect(new TokenCipher([KEY_2]).open('shop', 1, sealed)).toBeNull();
  });

  it('never seals a token the same way twice', () => {
    const cipher = new TokenCipher([KEY_1]);
    expect(cipher.seal('shop', 1, 'token')).not.toBe(cipher.seal('shop', 1, 'token'));
  });

  it('opens nothing that was changed, and never throws', () => {
    const cipher = new TokenCipher([KEY_1]);
    const sealed = cipher.seal('shop', 1, 'token');
    const flipped = `${sealed.slice(0, -3)}${sealed.at(-3) === 'A' ? 'B' : 'A'}${sealed.slice(-2)}`;
    expect(cipher.open('shop', 1, flipped)).toBeNull();
    fc.assert(
      fc.property(fc.string(), (garbage) => {
        expect(cipher.open('shop', 1, garbage)).toBeNull();
        expect(cipher.open('shop', 1, `k1.${garbage}`)).toBeNull();
      }),
    );
  });

  it('needs a key', () => {
    expect(() => new TokenCipher([])).toThrow('a cipher needs a key');
  });
});
