import { ManualClock } from '../../../test/support/manual-clock.js';
import { LOGIN, SHOP } from '../../core/ports/login-store.contract.js';
import { LOGIN_TIMES } from '../../core/ports/login-store.js';
import { MemoryLoginStore } from './index.js';

const MAX_ENTRIES = 100;

describe('logins in memory', () => {
  const newStore = () => new MemoryLoginStore(new ManualClock(), LOGIN_TIMES, MAX_ENTRIES);
  const names = (what: string): string[] =>
    Array.from({ length: 2 * MAX_ENTRIES }, (_, index) => `${what}-${String(index)}`);

  it('have a bound: of too many states the oldest give way, and a login that began lately goes on', async () => {
    const store = newStore();
    for (const state of names('state')) await store.open(SHOP, state, LOGIN, 600_000);
    const check = { way: 'direct', client: 'orders', proof: LOGIN.proof } as const;
    const kinds: string[] = [];
    for (const state of names('state')) {
      kinds.push((await store.begin(SHOP, { check: { ...check, state }, claim: null })).kind);
    }
    expect(kinds.slice(0, MAX_ENTRIES)).toEqual(Array(MAX_ENTRIES).fill('unknown'));
    expect(kinds.slice(MAX_ENTRIES)).toEqual(Array(MAX_ENTRIES).fill('claimed'));
  });

  it('have a bound for tokens that were handed out, too', async () => {
    const store = newStore();
    for (const token of names('token')) await store.noteToken(SHOP, token, 600_000);
    const known = await Promise.all(names('token').map((token) => store.appOfToken([SHOP], token)));
    expect(known.filter((app) => app !== null)).toHaveLength(MAX_ENTRIES);
    expect(known.at(-1)).toEqual(SHOP);
  });
});
