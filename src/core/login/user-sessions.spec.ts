import {
  createLogin,
  loggedIn,
  LOGIN_TIMEOUT_MS,
  LOST,
  NOT_SENT,
  refused,
} from '../../../test/support/create-login.js';
import { settle } from '../../../test/support/manual-clock.js';

const HOURS_2 = 7_200_000;

describe('a session', () => {
  it('gives the profile of its user, to its client alone', async () => {
    const { login, request, errorOf } = await loggedIn();
    expect(await login.profile({ ...request, lang: 'en' })).toEqual({
      openid: 'openid-of-mary',
      nickname: '小王',
      lang: 'en',
    });
    expect(await errorOf(login.profile({ ...request, client: 'billing' }))).toBe('session_unknown');
    for (const session of ['', 'tbs_', `tbs_${'A'.repeat(52)}`, request.session.replace('tbs_', 'tbt_')]) {
      expect(await errorOf(login.profile({ client: 'orders', session }))).toBe('session_unknown');
    }
  });

  it('renews a token that ends, once for all who ask on all replicas', async () => {
    const { login, replica, provider, request, clock } = await loggedIn();
    const other = replica();
    await clock.advance(HOURS_2);
    const all = Array.from({ length: 20 }, (_, index) => (index % 2 ? login : other).profile(request));
    await clock.advance(100);
    await Promise.all(all);
    expect(provider.callsOf('refresh')).toEqual(['refresh-token-1']);
    expect(new Set(provider.callsOf('profile'))).toEqual(new Set(['user-token-2']));
  });

  it('stores the next refresh token before anybody gets the new token', async () => {
    const { login, provider, request, clock, cutStore, errorOf } = await loggedIn();
    await clock.advance(HOURS_2);
    let answer: (value: never) => void = () => undefined;
    provider.nextRefresh.push(new Promise((resolve) => (answer = resolve)));
    const asked = errorOf(login.profile(request));
    await settle();
    cutStore(true);
    answer({
      kind: 'answered',
      value: { accessToken: 'user-token-9', expiresInSeconds: 7200, refreshToken: 'refresh-token-9' },
      body: '',
    } as never);
    await clock.advance(400);
    expect(provider.callsOf('profile')).toEqual([]);
    cutStore(false);
    await clock.advance(400);
    expect(await asked).toBe('none');
    await clock.advance(HOURS_2);
    await login.profile(request);
    expect(provider.callsOf('refresh')).toEqual(['refresh-token-1', 'refresh-token-9']);
  });

  it('is over when the platform takes the refresh token no more, and asks it no more', async () => {
    const { login, provider, request, clock, errorOf } = await loggedIn();
    await clock.advance(HOURS_2);
    provider.nextRefresh.push(refused(40030, 'reauthorize_required'));
    expect(await errorOf(login.profile(request))).toBe('reauthorize_required');
    expect(await errorOf(login.profile(request))).toBe('reauthorize_required');
    expect(provider.callsOf('refresh')).toHaveLength(1);
  });

  it('lives on when another replica has stored the next tokens while the old ones were refused here', async () => {
    const { login, provider, request, clock, shared, app } = await loggedIn();
    await clock.advance(HOURS_2);
    provider.refresh = async () => {
      const { session, nowMs } = await shared.session(app, request.session);
      if (!session) throw new Error('there is a session');
      const tokens = {
        accessToken: 'user-token-9',
        expiresAtMs: nowMs + HOURS_2,
        refreshToken: 'refresh-token-9',
      };
      const change = { session: { ...session, tokens }, lifeMs: HOURS_2 };
      await clock.advance(LOGIN_TIMEOUT_MS + 2001);
      expect(await shared.lockSession(app, request.session, 'another', 1000)).toBe(true);
      expect(await shared.saveSession(app, request.session, 'another', change)).toBe(true);
      return refused(100021, 'reauthorize_required');
    };
    expect(await login.profile(request)).toMatchObject({ openid: 'openid-of-mary' });
    expect(provider.callsOf('profile')).toEqual(['user-token-9']);
    expect((await shared.session(app, request.session)).session?.isOver).toBe(false);
  });

  it('without a refresh token lives as long as its token, and cannot be renewed', async () => {
    const { login, provider, returned, clock, errorOf } = createLogin();
    const tokens = { accessToken: 'user-token-1', expiresInSeconds: 7200 };
    const value = { ...provider.grantOf('mary'), tokens };
    provider.next.push({ kind: 'answered', value, body: '{}' });
    const { session, expiresInSeconds } = await login.exchange(await returned('code'));
    expect(expiresInSeconds).toBe(7200);
    const request = { client: 'orders', session: session ?? '' };
    expect(await login.profile(request)).toMatchObject({ openid: 'openid-of-mary' });
    expect((await login.tokens(request)).refreshToken).toBeNull();
    await clock.advance(HOURS_2 - 30_000);
    expect(await errorOf(login.profile(request))).toBe('reauthorize_required');
    expect(provider.callsOf('refresh')).toEqual([]);
    await clock.advance(30_000);
    expect(await errorOf(login.profile(request))).toBe('session_unknown');
  });

  it('lives on as long as the platform says of the next refresh token', async () => {
    const { login, provider, request, clock } = await loggedIn();
    await clock.advance(HOURS_2);
    const value = {
      accessToken: 'user-token-9',
      expiresInSeconds: 90 * 86_400,
      refreshToken: 'refresh-token-9',
      refreshExpiresInSeconds: 90 * 86_400,
    };
    provider.nextRefresh.push({ kind: 'answered', value, body: '' });
    await login.profile(request);
    await clock.advance(89 * 86_400_000);
    expect(await login.profile(request)).toMatchObject({ openid: 'openid-of-mary' });
    expect(provider.callsOf('refresh')).toEqual(['refresh-token-1']);
  });

  it('lives on when a refresh brought no answer', async () => {
    const { login, provider, request, clock, errorOf } = await loggedIn();
    await clock.advance(HOURS_2);
    provider.nextRefresh.push(NOT_SENT, LOST);
    expect(await errorOf(login.profile(request))).toBe('upstream_unavailable');
    expect(await errorOf(login.profile(request))).toBe('upstream_unavailable');
    expect(await login.profile(request)).toMatchObject({ openid: 'openid-of-mary' });
  });

  it('renews a token that the platform ended before its time, once', async () => {
    const { login, provider, request, errorOf } = await loggedIn();
    provider.nextProfile.push(refused(40001, 'token_dead'));
    expect(await login.profile(request)).toMatchObject({ openid: 'openid-of-mary' });
    provider.nextProfile.push(refused(40001, 'token_dead'), refused(40001, 'token_dead'));
    expect(await errorOf(login.profile(request))).toBe('reauthorize_required');
    expect(provider.callsOf('refresh')).toHaveLength(2);
  });

  it('says what is missing where the user agreed to less', async () => {
    const { login, provider, request, errorOf } = await loggedIn();
    provider.nextProfile.push(refused(48001, 'scope_missing'));
    expect(await errorOf(login.profile(request))).toBe('scope_missing');
  });

  it('gives the tokens themselves, which the drop-in endpoints take from then on', async () => {
    const { login, request } = await loggedIn();
    const asked = { provider: 'fake', accessToken: 'user-token-1', openid: 'openid-of-mary' };
    expect(await login.dropIn.userinfo(asked)).toEqual({ kind: 'unknown_token' });
    expect(await login.tokens(request)).toEqual({
      accessToken: 'user-token-1',
      refreshToken: 'refresh-token-1',
      expiresInSeconds: 7200,
      openid: 'openid-of-mary',
      scope: ['base'],
    });
    expect(await login.dropIn.userinfo(asked)).toMatchObject({ kind: 'body' });
  });

  it('ends at logout and at the end of its life', async () => {
    const { login, request, clock, errorOf, returned } = await loggedIn();
    await login.logout(request);
    expect(await errorOf(login.profile(request))).toBe('session_unknown');
    expect(await errorOf(login.logout(request))).toBe('session_unknown');
    const { session } = await login.exchange(await returned('code-of-john'));
    await clock.advance(30 * 24 * 3_600_000 + 1);
    expect(await errorOf(login.profile({ client: 'orders', session: session ?? '' }))).toBe(
      'session_unknown',
    );
  });
});

describe('a drop-in relay', () => {
  const withTokens = async () => {
    const fixture = createLogin();
    const code = { app: 'shop', client: 'orders', code: 'code-of-mary', kind: 'web' } as const;
    await fixture.login.dropIn.exchange(code);
    const user = { provider: 'fake', accessToken: 'user-token-1', openid: 'openid-of-mary' };
    return { ...fixture, user };
  };

  it('takes tokens that were handed out here, and no others', async () => {
    const { login, provider, clock } = createLogin();
    const exchanged = await login.dropIn.exchange({
      app: 'shop',
      client: 'orders',
      code: 'code-of-mary',
      kind: 'web',
    });
    expect(exchanged.kind).toBe('body');
    const user = { provider: 'fake', accessToken: 'user-token-1', openid: 'openid-of-mary' };
    expect(await login.dropIn.userinfo(user)).toMatchObject({ kind: 'body' });
    expect(await login.dropIn.auth(user)).toMatchObject({ kind: 'body' });
    expect(await login.dropIn.refresh({ app: 'shop', refreshToken: 'refresh-token-1' })).toMatchObject({
      kind: 'body',
      body: expect.stringContaining('user-token-2'),
    });
    expect(await login.dropIn.auth({ ...user, accessToken: 'user-token-2' })).toMatchObject({ kind: 'body' });
    const unknown = { kind: 'unknown_token' };
    expect(await login.dropIn.userinfo({ ...user, accessToken: 'stolen' })).toEqual(unknown);
    expect(await login.dropIn.refresh({ app: 'shop', refreshToken: 'stolen' })).toEqual(unknown);
    await clock.advance(HOURS_2 + 1);
    expect(await login.dropIn.userinfo(user)).toEqual(unknown);
    expect(provider.callsOf('profile')).toHaveLength(1);
  });

  it('says what was not sent and what was lost, and never that a lost call was not sent', async () => {
    const { user, login, provider } = await withTokens();
    const renewal = { app: 'shop', refreshToken: 'refresh-token-1' };
    provider.nextProfile.push(NOT_SENT, LOST, refused(42001, 'token_dead'), refused(45011, 'rate_limited'));
    provider.nextRefresh.push(NOT_SENT, LOST);
    expect(await login.dropIn.userinfo(user)).toEqual({ kind: 'not_sent' });
    expect(await login.dropIn.userinfo(user)).toEqual({ kind: 'lost' });
    // The app's own token is meant by the errcodes of dead tokens wherever an SDK sees one.
    expect(await login.dropIn.userinfo(user)).toEqual({ kind: 'unknown_token' });
    expect(await login.dropIn.userinfo(user)).toMatchObject({ kind: 'refused', errcode: 45011 });
    expect(await login.dropIn.refresh(renewal)).toEqual({ kind: 'not_sent' });
    expect(await login.dropIn.refresh(renewal)).toEqual({ kind: 'lost' });
    // The refresh token is taken again after a lost answer.
    expect(await login.dropIn.refresh(renewal)).toMatchObject({ kind: 'body' });
    expect(provider.callsOf('refresh')).toEqual(Array(3).fill('refresh-token-1'));
  });

  it('knows the users of its own platform alone', async () => {
    const { user, login, provider } = await withTokens();
    const asked = { ...user, provider: 'another' };
    expect(await login.dropIn.userinfo(asked)).toEqual({ kind: 'unknown_token' });
    expect(await login.dropIn.auth(asked)).toEqual({ kind: 'unknown_token' });
    expect(provider.callsOf('profile')).toEqual([]);
  });

  it('cannot tell while the store is away, and says so', async () => {
    const { login, cutStore } = createLogin();
    cutStore(true);
    expect(await login.dropIn.auth({ provider: 'fake', accessToken: 'any', openid: 'any' })).toEqual({
      kind: 'not_sent',
    });
  });
});
