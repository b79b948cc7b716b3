import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { ManualClock } from '../../test/support/manual-clock.js';
import { VIRTUAL_TOKEN_SECONDS, VirtualTokens } from './virtual-tokens.js';

const KEY = Buffer.alloc(32, 1);
const OTHER_KEY = Buffer.alloc(32, 2);
const HOLDER = { client: 'orders', app: 'shop' };
const NAME = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}$/);

function virtualTokens(keys: readonly Buffer[] = [KEY], deployment = 'tokenbroker:') {
  const clock = new ManualClock();
  return { clock, tokens: new VirtualTokens(keys, deployment, clock) };
}

describe('a virtual token', () => {
  it('is plain text of at most 512 characters, whatever the names', () => {
    const { tokens } = virtualTokens();
    fc.assert(
      fc.property(NAME, NAME, (client, app) => {
        const token = tokens.issue({ client, app });
        expect(token).toMatch(/^tbv_[A-Za-z0-9_-]{16,508}$/);
        expect(tokens.open(token)).toEqual({ kind: 'living', client, app });
      }),
    );
    const longest = 'n'.repeat(63);
    expect(tokens.issue({ client: longest, app: longest }).length).toBeLessThanOrEqual(512);
  });

  it('shows neither client nor app', () => {
    const sealed = Buffer.from(virtualTokens().tokens.issue(HOLDER).slice(4), 'base64url').toString('latin1');
    expect(sealed).not.toMatch(/orders|shop/);
  });

  it('is good for 7,200 s, to the millisecond', async () => {
    const { tokens, clock } = virtualTokens();
    // At a whole second of the wall clock: others live up to a second longer.
    await clock.advance(1000 - (clock.wallMs() % 1000));
    const token = tokens.issue(HOLDER);
    await clock.advance(VIRTUAL_TOKEN_SECONDS * 1000 - 1);
    expect(tokens.open(token)).toEqual({ kind: 'living', ...HOLDER });
    await clock.advance(1);
    expect(tokens.open(token)).toEqual({ kind: 'expired', ...HOLDER });
  });

  it('opens at every replica with its key, and with a new key in front', () => {
    const token = virtualTokens().tokens.issue(HOLDER);
    expect(virtualTokens().tokens.open(token).kind).toBe('living');
    expect(virtualTokens([OTHER_KEY, KEY]).tokens.open(token).kind).toBe('living');
  });

  it('opens nowhere else', () => {
    const token = virtualTokens().tokens.issue(HOLDER);
    expect(virtualTokens([OTHER_KEY]).tokens.open(token)).toEqual({ kind: 'garbage' });
    expect(virtualTokens([KEY], 'staging:').tokens.open(token)).toEqual({ kind: 'garbage' });
    expect(virtualTokens([]).tokens.open(token)).toEqual({ kind: 'garbage' });
  });

  it('is garbage with one bit turned, with more or less of it, and in another spelling', () => {
    const { tokens } = virtualTokens();
    const token = tokens.issue(HOLDER);
    const sealed = Buffer.from(token.slice(4), 'base64url');
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const turned = Buffer.from(sealed);
        turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(tokens.open(`tbv_${turned.toString('base64url')}`)).toEqual({ kind: 'garbage' });
      }),
    );
    const others = [
      '',
      'tbv_',
      token.slice(0, -1),
      `${token}A`,
      `${token}==`,
      ` ${token}`,
      `${token}\n`,
      token.toUpperCase(),
      token.replace('tbv_', 'tbk_'),
      `tbv_${sealed.toString('base64')}+`,
      `tbv_${'A'.repeat(600)}`,
    ];
    for (const other of others) expect(tokens.open(other)).toEqual({ kind: 'garbage' });
  });

  it('is written in one way only: no other last character opens it', () => {
    const { tokens } = virtualTokens();
    // Of a length at which the last character has bits to spare.
    const token = tokens.issue({ client: 'orders', app: 'shops' });
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const opening = Array.from(alphabet).filter(
      (last) => tokens.open(token.slice(0, -1) + last).kind !== 'garbage',
    );
    expect(opening).toEqual([token.at(-1)]);
  });

  it('cannot be made up', () => {
    const { tokens } = virtualTokens([KEY, OTHER_KEY]);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.uint8Array({ maxLength: 400 })), (made) => {
        const text = typeof made === 'string' ? made : Buffer.from(made).toString('base64url');
        expect(tokens.open(`tbv_${text}`)).toEqual({ kind: 'garbage' });
        expect(tokens.open(text)).toEqual({ kind: 'garbage' });
      }),
    );
  });

  it('stands for its own client and app, and for no others', () => {
    const { tokens } = virtualTokens([randomBytes(32)]);
    const given = [HOLDER, { client: 'order', app: 'sshop' }, { client: 'shop', app: 'orders' }];
    const opened = given.map((holder) => tokens.open(tokens.issue(holder)));
    expect(opened).toEqual(given.map((holder) => ({ kind: 'living', ...holder })));
    expect(new Set(given.map((holder) => tokens.issue(holder))).size).toBe(3);
  });
});
