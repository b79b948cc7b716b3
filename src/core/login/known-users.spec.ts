import fc from 'fast-check';
import { createLogin, LOST, NOT_SENT, refused } from '../../../test/support/create-login.js';

const known = (index: number): string => `openid-of-${String(index)}`;
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => known(index));
const openidsOf = (users: readonly Readonly<Record<string, unknown>>[]) => users.map(({ openid }) => openid);

describe('users by the app’s own token', () => {
  it('are asked for a hundred at a time, and come in the order of the request, each once', async () => {
    const { login, provider } = createLogin();
    const openids = many(250).reverse();
    const { users, unknown } = await login.users({
      app: 'shop',
      openids: [...openids, known(3)],
      lang: 'en',
    });
    expect(openidsOf(users)).toEqual(openids);
    expect(users[0]).toMatchObject({ lang: 'en' });
    expect(unknown).toEqual([]);
    expect(provider.callsOf('users')).toEqual(['global-1 100', 'global-1 100', 'global-1 50']);
  });

  it('are found around those that the platform does not know, which are named', async () => {
    const { login } = createLogin();
    const user = fc.oneof(
      { weight: 20, arbitrary: fc.nat(400).map(known) },
      { weight: 1, arbitrary: fc.constantFrom('nobody-1', 'nobody-2', 'nobody-3', 'no openid', '小明') },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(user, { minLength: 1, maxLength: 300 }), async (openids) => {
        const asked = [...new Set(openids)];
        const { users, unknown } = await login.users({ app: 'shop', openids });
        expect(openidsOf(users)).toEqual(asked.filter((one) => one.startsWith('openid-of-')));
        expect([...unknown].sort()).toEqual(asked.filter((one) => !one.startsWith('openid-of-')).sort());
      }),
      { numRuns: 50 },
    );
  });

  it('cost a few calls for one unknown among a hundred, and none for what no platform takes for an openid', async () => {
    const { login, provider } = createLogin();
    await login.users({ app: 'shop', openids: [...many(99), 'nobody'] });
    expect(provider.callsOf('users').length).toBeLessThanOrEqual(15);
    provider.calls.length = 0;
    expect(await login.users({ app: 'shop', openids: ['no openid', '小明'] })).toEqual({
      users: [],
      unknown: ['no openid', '小明'],
    });
    expect(provider.calls).toEqual([]);
  });

  it('cost a hundred calls at most, whatever is asked', async () => {
    const { login, provider, errorOf } = createLogin();
    const openids = Array.from({ length: 500 }, (_, index) => `nobody-${String(index)}`);
    const asked = login.users({ app: 'shop', openids });
    expect(await errorOf(asked)).toBe('data_invalid');
    await expect(asked).rejects.toThrow('ask for fewer at a time');
    expect(provider.callsOf('users')).toHaveLength(100);
    provider.calls.length = 0;
    const { unknown } = await login.users({ app: 'shop', openids: openids.slice(0, 50) });
    expect(unknown).toHaveLength(50);
    expect(provider.callsOf('users').length).toBeLessThan(100);
  });

  it('are asked for with the next token where the first was dead', async () => {
    const { login, provider, errorOf } = createLogin();
    provider.nextUsers.push(refused(40001, 'token_dead'));
    expect((await login.users({ app: 'shop', openids: many(1) })).users).toHaveLength(1);
    expect(provider.callsOf('users')).toEqual(['global-1 1', 'global-2 1']);
    provider.nextUsers.push(refused(40001, 'token_dead'), refused(42001, 'token_dead'));
    expect(await errorOf(login.users({ app: 'shop', openids: many(1) }))).toBe('upstream_unavailable');
  });

  it('that the account may not ask for are a fault of its configuration, which its operators are told', async () => {
    const { login, provider, errorOf, emitted } = createLogin();
    provider.nextUsers.push(refused(48001, 'scope_missing'));
    expect(await errorOf(login.users({ app: 'shop', openids: many(1) }))).toBe('app_misconfigured');
    expect(emitted).toEqual([
      {
        app: 'shop',
        kind: 'login_call_refused',
        errcode: 48001,
        message: '',
        remedy: 'What to do about 48001.',
      },
    ]);
  });

  it.each([
    ['upstream_unavailable', NOT_SENT],
    ['upstream_unavailable', LOST],
    ['rate_limited', refused(45009, 'rate_limited')],
  ])('are %s where the platform gives none', async (code, outcome) => {
    const { login, provider, errorOf } = createLogin();
    provider.nextUsers.push(outcome);
    expect(await errorOf(login.users({ app: 'shop', openids: many(300) }))).toBe(code);
  });

  it('are those of official accounts alone', async () => {
    const { login, errorOf } = createLogin({ type: 'mini_program' });
    expect(await errorOf(login.users({ app: 'shop', openids: many(1) }))).toBe('wrong_app_type');
  });
});
