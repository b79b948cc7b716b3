import {
  createLogin,
  LANDING,
  LOGIN_TIMEOUT_MS,
  LOST,
  NOT_SENT,
  refused,
} from '../../../test/support/create-login.js';
import { settle } from '../../../test/support/manual-clock.js';

describe('a login that comes back to the service', () => {
  it('gives the user, and a session in place of the tokens', async () => {
    const { login, returned } = createLogin();
    const answer = await login.exchange(await returned('code-of-mary'));
    expect(answer).toEqual({
      openid: 'openid-of-mary',
      unionid: 'unionid-of-mary',
      scope: ['base'],
      snapshot: false,
      session: expect.stringMatching(/^tbs_[\w-]{52}$/),
      expiresInSeconds: 30 * 24 * 3600,
    });
  });

  it('begins with a scope that the app has, and says which there are', async () => {
    const { login, errorOf } = createLogin();
    const asked = login.authorizeUrl({ app: 'shop', client: 'orders', redirectUri: LANDING, scope: 'all' });
    expect(await errorOf(asked)).toBe('scope_not_allowed');
    await expect(asked).rejects.toThrow('it may be base or profile');
  });

  it('gives the same answer to the same four values for a minute, over all replicas, with one call', async () => {
    const { login, replica, provider, returned, clock, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    const answer = await login.exchange(request);
    await clock.advance(59_000);
    expect(await replica().exchange(request)).toEqual(answer);
    await clock.advance(2000);
    expect(await errorOf(login.exchange(request))).toBe('state_used');
    expect(provider.callsOf('exchange')).toEqual(['code-of-mary']);
  });

  it('sends no code with a state that was used, is too old, another client’s, or another browser’s', async () => {
    const { login, provider, returned, clock, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    expect(await errorOf(login.exchange({ ...request, state: 'never-given' }))).toBe('state_unknown');
    expect(await errorOf(login.exchange({ ...request, client: 'billing' }))).toBe('state_unknown');
    expect(await errorOf(login.exchange({ ...request, proof: { binding: 'stolen' } }))).toBe(
      'state_mismatch',
    );
    expect(provider.calls).toEqual([]);
    await login.exchange(request);
    expect(await errorOf(login.exchange({ ...request, code: 'another-code' }))).toBe('state_used');
    const late = await returned('code-of-john');
    await clock.advance(600_000);
    expect(await errorOf(login.exchange(late))).toBe('state_expired');
    expect(provider.callsOf('exchange')).toEqual(['code-of-mary']);
  });

  it('is used up by the fifth wrong binding, and by none before', async () => {
    const { login, returned, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    const wrong = { ...request, proof: { binding: 'wrong' } };
    for (let count = 1; count <= 4; count += 1)
      expect(await errorOf(login.exchange(wrong))).toBe('state_mismatch');
    const other = await returned('code-of-john');
    for (let count = 1; count <= 4; count += 1)
      await errorOf(login.exchange({ ...other, proof: { binding: 'wrong' } }));
    expect((await login.exchange(other)).openid).toBe('openid-of-john');
    expect(await errorOf(login.exchange(wrong))).toBe('state_mismatch');
    expect(await errorOf(login.exchange(request))).toBe('state_used');
  });

  it('takes the verifier of a code_challenge in place of the binding, and nothing else', async () => {
    const { login, errorOf } = createLogin();
    // The example of RFC 7636, appendix B.
    const codeChallenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
    const codeVerifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
    const begun = await login.authorizeUrl({
      app: 'shop',
      client: 'orders',
      redirectUri: LANDING,
      codeChallenge,
    });
    const request = { app: 'shop', client: 'orders', code: 'code-of-mary', state: begun.state };
    expect(await errorOf(login.exchange({ ...request, proof: { binding: begun.binding } }))).toBe(
      'state_mismatch',
    );
    expect((await login.exchange({ ...request, proof: { codeVerifier } })).openid).toBe('openid-of-mary');
  });

  it('gives no session to a user of WeChat’s preview page', async () => {
    const { login, provider, returned } = createLogin();
    const value = { ...provider.grantOf('mary'), isSnapshot: true };
    provider.next.push({ kind: 'answered', value, body: '{}' });
    expect(await login.exchange(await returned('code'))).toMatchObject({ snapshot: true, session: null });
  });
});

describe('a code', () => {
  it('of 50 exchanges at once on two replicas is sent once, and all get the same answer', async () => {
    const { login, replica, provider, returned, clock, emitted } = createLogin();
    const other = replica();
    const request = await returned('code-of-mary');
    let answer: (outcome: typeof LOST) => void = () => undefined;
    provider.next.push(new Promise((resolve) => (answer = resolve as never)));
    const all = Array.from({ length: 50 }, (_, index) => (index % 2 ? login : other).exchange(request));
    await settle();
    answer({ kind: 'answered', value: provider.grantOf('mary'), body: '{}' } as never);
    await clock.advance(100);
    const answers = await Promise.all(all);
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(provider.callsOf('exchange')).toHaveLength(1);
    expect(emitted.filter(({ kind }) => kind === 'login_code_repeated')).toHaveLength(49);
  });

  it('whose answer was lost is never sent again', async () => {
    const { login, provider, returned, clock, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    provider.next.push(LOST);
    expect(await errorOf(login.exchange(request))).toBe('exchange_outcome_unknown');
    await clock.advance(59_000);
    expect(await errorOf(login.exchange(request))).toBe('exchange_outcome_unknown');
    await clock.advance(2000);
    expect(await errorOf(login.exchange(request))).toBe('state_used');
    expect(await errorOf(login.exchange(await returned('code-of-mary')))).toBe('code_used');
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('that was not sent is not spent, for as long as the state lives', async () => {
    const { login, provider, returned, clock, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    provider.next.push(NOT_SENT, NOT_SENT);
    expect(await errorOf(login.exchange(request))).toBe('upstream_unavailable');
    expect(await errorOf(login.exchange(request))).toBe('upstream_unavailable');
    await clock.advance(500_000);
    expect((await login.exchange(request)).openid).toBe('openid-of-mary');
    const late = await returned('code-of-john');
    provider.next.push(NOT_SENT);
    await errorOf(login.exchange(late));
    await clock.advance(600_000);
    expect(await errorOf(login.exchange(late))).toBe('state_expired');
  });

  it('that the platform refused is refused again, without a call', async () => {
    const { login, provider, returned, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    provider.next.push(refused(40029, 'code_invalid'));
    expect(await errorOf(login.exchange(request))).toBe('code_invalid');
    expect(await errorOf(login.exchange(request))).toBe('code_invalid');
    expect(await errorOf(login.exchange(await returned('code-of-mary')))).toBe('code_used');
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('of a replica that died counts as spent once its time is over', async () => {
    const { login, replica, provider, returned, clock, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    provider.exchange = () => new Promise(() => undefined);
    void replica()
      .exchange(request)
      .catch(() => undefined);
    await settle();
    const waiting = errorOf(login.exchange(request));
    await clock.advance(LOGIN_TIMEOUT_MS + 2100);
    expect(await waiting).toBe('exchange_outcome_unknown');
    expect(provider.calls).toEqual([]);
  });
});

describe('a drop-in exchange', () => {
  const request = { app: 'shop', client: 'orders', code: 'code-of-mary', kind: 'web' } as const;

  it('gives the platform’s own body, to the same client for a minute', async () => {
    const { login, provider, clock } = createLogin();
    const answer = await login.dropIn.exchange(request);
    expect(answer).toMatchObject({ kind: 'body', body: expect.stringContaining('openid-of-mary') });
    expect(await login.dropIn.exchange(request)).toEqual(answer);
    expect(await login.dropIn.exchange({ ...request, client: 'billing' })).toEqual({ kind: 'code_used' });
    await clock.advance(61_000);
    expect(await login.dropIn.exchange(request)).toEqual({ kind: 'code_used' });
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('goes on without the store, with one call for each code on this replica, also when the store is back', async () => {
    const { login, provider, cutStore } = createLogin();
    cutStore(true);
    const [first, second] = await Promise.all([
      login.dropIn.exchange(request),
      login.dropIn.exchange(request),
    ]);
    expect(first.kind).toBe('body');
    expect(second).toEqual(first);
    cutStore(false);
    expect(await login.dropIn.exchange(request)).toEqual(first);
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('is refused for an app of another type', async () => {
    const { login, provider } = createLogin();
    expect(await login.dropIn.exchange({ ...request, kind: 'mini_program' })).toEqual({
      kind: 'wrong_app_type',
    });
    expect(provider.calls).toEqual([]);
  });

  it('that was refused is refused again with the same errcode for ten minutes, to the same client alone', async () => {
    const { login, provider, clock } = createLogin();
    provider.next.push(refused(40029, 'code_invalid'));
    const refusal = { kind: 'refused', errcode: 40029 };
    expect(await login.dropIn.exchange(request)).toMatchObject(refusal);
    await clock.advance(590_000);
    expect(await login.dropIn.exchange(request)).toMatchObject(refusal);
    expect(await login.dropIn.exchange({ ...request, client: 'billing' })).toEqual({ kind: 'code_used' });
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('after a lost answer finds the code used', async () => {
    const { login, provider } = createLogin();
    provider.next.push(LOST);
    expect(await login.dropIn.exchange(request)).toEqual({ kind: 'code_used' });
    expect(await login.dropIn.exchange(request)).toEqual({ kind: 'code_used' });
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });
});

describe('a native login without the store', () => {
  it('is refused, and can be tried again', async () => {
    const { login, returned, cutStore, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    cutStore(true);
    expect(await errorOf(login.exchange(request))).toBe('store_unavailable');
    expect(await errorOf(returned('code'))).toBe('store_unavailable');
    cutStore(false);
    expect((await login.exchange(request)).openid).toBe('openid-of-mary');
  });
});

describe('the apps of logins', () => {
  it('are those of the last configuration', async () => {
    const { login, app, started, errorOf } = createLogin();
    login.configure([{ ...app, name: 'blog' }]);
    expect(await errorOf(started())).toBe('wrong_app_type');
    const redirectUri = app.redirectUris[0] ?? '';
    const begun = await login.authorizeUrl({ app: 'blog', client: 'orders', redirectUri });
    expect(begun.url).toMatch(/^https:/);
  });
});
