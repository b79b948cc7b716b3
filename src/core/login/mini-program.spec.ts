import { createLogin, LOST, NOT_SENT, refused } from '../../../test/support/create-login.js';

function createMiniProgram() {
  const fixture = createLogin({ type: 'mini_program' });
  const enter = async (user: string, code = `code-of-${user}`, client = 'orders') => {
    const { session, scope } = await fixture.login.exchangeJsCode({ app: 'shop', client, code });
    expect(scope).toEqual([]);
    return { client, session: session ?? '' };
  };
  const encrypted = (key: string, data: object) => ({ encryptedData: JSON.stringify([key, data]), iv: 'iv' });
  return { ...fixture, enter, encrypted };
}

describe('a user of a mini program', () => {
  it('logs in without a state; a code is told again to its client alone, for a minute', async () => {
    const { login, clock, errorOf, provider } = createMiniProgram();
    const request = { app: 'shop', client: 'orders', code: 'code-of-mary' };
    const answer = await login.exchangeJsCode(request);
    expect(await login.exchangeJsCode(request)).toEqual(answer);
    expect(await errorOf(login.exchangeJsCode({ ...request, client: 'billing' }))).toBe('code_used');
    await clock.advance(61_000);
    expect(await errorOf(login.exchangeJsCode(request))).toBe('code_used');
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('has one session_key, the newest, whichever login brought it', async () => {
    const { login, enter, encrypted, clock } = createMiniProgram();
    const first = await enter('mary');
    await clock.advance(1000);
    await login.dropIn.exchange({ app: 'shop', client: 'billing', code: 'mary', kind: 'mini_program' });
    expect(await login.sessionKey(first)).toBe('session-key-2');
    const data = { phoneNumber: '1' };
    expect(await login.decrypt({ ...first, ...encrypted('session-key-2', data) })).toEqual(data);
  });

  it('is told whether the key is bad or the data', async () => {
    const { login, enter, encrypted, provider, errorOf } = createMiniProgram();
    const request = await enter('mary');
    const wrong = { ...request, ...encrypted('another-key', {}) };
    expect(await errorOf(login.decrypt(wrong))).toBe('data_invalid');
    provider.nextSessionCheck.push(refused(87009, 'session_stale'));
    expect(await errorOf(login.decrypt(wrong))).toBe('reauthorize_required');
  });

  it('is checked with the app’s own token, and with the next one where that was dead', async () => {
    const { login, enter, provider } = createMiniProgram();
    const request = await enter('mary');
    expect(await login.checkSession(request)).toBe(true);
    provider.nextSessionCheck.push(refused(40001, 'token_dead'));
    expect(await login.checkSession(request)).toBe(true);
    provider.nextSessionCheck.push(refused(87009, 'session_stale'));
    expect(await login.checkSession(request)).toBe(false);
    expect(provider.callsOf('checkSession')).toEqual(
      ['global-1', 'global-1', 'global-2', 'global-2'].map((token) => `${token} session-key-1`),
    );
  });

  it('shows a phone number for a code that is sent once', async () => {
    const { login, provider, errorOf } = createMiniProgram();
    const request = { app: 'shop', code: 'phone-code' };
    expect(await login.phone(request)).toEqual({ phoneNumber: '+8613800000000' });
    provider.nextPhone.push(LOST);
    expect(await errorOf(login.phone(request))).toBe('exchange_outcome_unknown');
    provider.nextPhone.push(refused(40029, 'code_invalid'));
    expect(await errorOf(login.phone(request))).toBe('code_invalid');
    expect(provider.callsOf('phone')).toHaveLength(3);
  });

  it('has no browser login, and a user of a page has no session_key', async () => {
    const { login, errorOf, enter, started } = createMiniProgram();
    expect(await errorOf(started())).toBe('wrong_app_type');
    expect(await errorOf(login.profile(await enter('mary')))).toBe('wrong_app_type');
    const page = createLogin();
    const { session } = await page.login.exchange(await page.returned('code-of-mary'));
    const request = { client: 'orders', session: session ?? '' };
    expect(await errorOf(page.login.sessionKey(request))).toBe('wrong_app_type');
    expect(await errorOf(page.login.exchangeJsCode({ app: 'shop', client: 'orders', code: 'x' }))).toBe(
      'wrong_app_type',
    );
  });

  it('is asked for a phone number as the user that a caller names, with a code alone', async () => {
    const { login, errorOf, provider } = createMiniProgram();
    const request = { app: 'shop', code: 'phone-code', openid: 'openid-of-mary' };
    expect(await login.phone(request)).toEqual({ phoneNumber: '+8613800000000' });
    expect(await errorOf(login.phone({ ...request, code: '' }))).toBe('code_missing');
    provider.nextPhone.push(refused(45011, 'rate_limited'), NOT_SENT);
    expect(await errorOf(login.phone(request))).toBe('rate_limited');
    expect(await errorOf(login.phone(request))).toBe('upstream_unavailable');
  });

  it('has nothing that its platform does not have', async () => {
    const { login, errorOf, enter, encrypted, provider } = createMiniProgram();
    const request = await enter('mary');
    const data = { ...request, ...encrypted('another-key', {}) };
    const lacking: Partial<Record<'checkSession' | 'decrypt' | 'phone', unknown>> = provider;
    lacking.checkSession = undefined;
    expect(await errorOf(login.checkSession(request))).toBe('wrong_app_type');
    lacking.decrypt = undefined;
    expect(await errorOf(login.decrypt(data))).toBe('wrong_app_type');
    lacking.phone = undefined;
    expect(await errorOf(login.phone({ app: 'shop', code: 'phone-code' }))).toBe('wrong_app_type');
  });

  it('is nobody’s at the endpoints of pages, nor without its app', async () => {
    const { login } = createMiniProgram();
    const request = { app: 'shop', client: 'orders', code: 'code-of-mary' };
    expect(await login.dropIn.exchange({ ...request, kind: 'web' })).toEqual({ kind: 'wrong_app_type' });
    const elsewhere = { ...request, app: 'other', kind: 'mini_program' as const };
    expect(await login.dropIn.exchange(elsewhere)).toEqual({ kind: 'wrong_app_type' });
    expect(await login.dropIn.refresh({ app: 'other', refreshToken: 'x' })).toEqual({
      kind: 'wrong_app_type',
    });
  });
});

describe('a user of a page, at the endpoints of the platform', () => {
  it('is renewed, shown and checked for tokens that were handed out, and for no others', async () => {
    const { login, provider, cutStore, replica } = createLogin();
    const request = { app: 'shop', client: 'orders', code: 'code-of-mary', kind: 'web' as const };
    const answer = await login.dropIn.exchange(request);
    const { tokens } = JSON.parse(answer.kind === 'body' ? answer.body : '{}') as {
      tokens: { accessToken: string; refreshToken: string };
    };
    const shown = { provider: 'fake', accessToken: tokens.accessToken, openid: 'openid-of-mary' };
    expect(await login.dropIn.userinfo({ ...shown, lang: 'en' })).toMatchObject({ kind: 'body' });
    expect(await login.dropIn.auth(shown)).toMatchObject({ kind: 'body' });
    expect(await login.dropIn.auth({ ...shown, accessToken: 'foreign' })).toEqual({ kind: 'unknown_token' });
    const renewal = { app: 'shop', refreshToken: tokens.refreshToken };
    expect(await login.dropIn.refresh(renewal)).toMatchObject({ kind: 'body' });
    provider.nextRefresh.push(refused(40030, 'reauthorize_required'), NOT_SENT, LOST);
    expect(await login.dropIn.refresh(renewal)).toMatchObject({ kind: 'refused', errcode: 40030 });
    expect(await login.dropIn.refresh(renewal)).toEqual({ kind: 'not_sent' });
    expect(await login.dropIn.refresh(renewal)).toEqual({ kind: 'lost' });
    const lacking: Partial<Record<'profile' | 'checkToken' | 'refresh', unknown>> = provider;
    for (const call of ['profile', 'checkToken', 'refresh'] as const) lacking[call] = undefined;
    expect(await login.dropIn.userinfo(shown)).toEqual({ kind: 'wrong_app_type' });
    expect(await login.dropIn.auth(shown)).toEqual({ kind: 'wrong_app_type' });
    expect(await login.dropIn.refresh(renewal)).toEqual({ kind: 'wrong_app_type' });
    cutStore(true);
    expect(await replica().dropIn.auth(shown)).toEqual({ kind: 'not_sent' });
  });
});
