import { loggedIn, refused } from '../../../test/support/create-login.js';
import { settle } from '../../../test/support/manual-clock.js';

const HOURS_2 = 7_200_000;

describe('a session whose next refresh token came while the store was away', () => {
  const value = { accessToken: 'user-token-9', expiresInSeconds: 7200, refreshToken: 'refresh-token-9' };
  /** The store goes away while the platform answers, and stays away longer than the request waits. */
  async function renewedInOutage() {
    const fixture = await loggedIn();
    const { login, provider, request, clock, cutStore, errorOf } = fixture;
    await clock.advance(HOURS_2);
    let answer: (outcome: never) => void = () => undefined;
    provider.nextRefresh.push(new Promise((resolve) => (answer = resolve)));
    const asked = errorOf(login.profile(request));
    await settle();
    cutStore(true);
    answer({ kind: 'answered', value, body: '' } as never);
    await clock.advance(20_000);
    expect(await asked).toBe('store_unavailable');
    expect(await errorOf(login.profile(request))).toBe('store_unavailable');
    expect(provider.callsOf('profile')).toEqual([]);
    return fixture;
  }

  it('has it stored once the store is back, for all replicas', async () => {
    const { replica, provider, request, clock, cutStore } = await renewedInOutage();
    cutStore(false);
    await clock.advance(1000);
    await replica().profile(request);
    expect(provider.callsOf('profile')).toEqual(['user-token-9']);
    await clock.advance(HOURS_2);
    await replica().profile(request);
    expect(provider.callsOf('refresh')).toEqual(['refresh-token-1', 'refresh-token-9']);
  });

  it('has it stored before it is asked for again', async () => {
    const { login, provider, request, cutStore } = await renewedInOutage();
    cutStore(false);
    await login.profile(request);
    expect(provider.callsOf('profile')).toEqual(['user-token-9']);
    expect(provider.callsOf('refresh')).toEqual(['refresh-token-1']);
  });

  it('goes on when another replica was refused the token that is used up', async () => {
    const { replica, provider, request, clock, cutStore, errorOf } = await renewedInOutage();
    cutStore(false);
    provider.nextRefresh.push(refused(100013, 'reauthorize_required'));
    const other = replica();
    expect(await errorOf(other.profile(request))).toBe('reauthorize_required');
    await clock.advance(1000);
    await other.profile(request);
    expect(provider.callsOf('profile')).toEqual(['user-token-9']);
  });

  it('keeps what another replica has stored since', async () => {
    const { replica, provider, request, clock, cutStore } = await renewedInOutage();
    cutStore(false);
    const other = replica();
    await other.profile(request);
    const { accessToken } = await other.tokens(request);
    await clock.advance(5000);
    expect((await other.tokens(request)).accessToken).toBe(accessToken);
    expect(accessToken).not.toBe('user-token-9');
    expect(provider.callsOf('refresh')).toHaveLength(2);
  });

  it('waits while another replica refreshes it, and replaces nothing that came of that', async () => {
    const { request, clock, cutStore, shared, app } = await renewedInOutage();
    cutStore(false);
    const lock = await shared.lockSession(app, request.session, 'another', 5000);
    await clock.advance(2000);
    const { session } = await shared.session(app, request.session);
    expect([lock, session?.tokens?.accessToken]).toEqual([true, 'user-token-1']);
    if (!session) throw new Error('there is a session');
    const tokens = { accessToken: 'newer', expiresAtMs: 1e15, refreshToken: 'newer' };
    await shared.saveSession(app, request.session, 'another', {
      session: { ...session, tokens },
      lifeMs: HOURS_2,
    });
    await clock.advance(5000);
    expect((await shared.session(app, request.session)).session?.tokens).toEqual(tokens);
    expect(await shared.lockSession(app, request.session, 'another', 5000)).toBe(true);
  });

  it('is written before the process ends, if the store is back by then', async () => {
    const { login, request, clock, cutStore, shared, app } = await renewedInOutage();
    const flushed = login.flush(5000);
    await clock.advance(500);
    cutStore(false);
    await clock.advance(1000);
    await flushed;
    const { session } = await shared.session(app, request.session);
    expect(session?.tokens?.refreshToken).toBe('refresh-token-9');
  });

  it('keeps no process waiting for longer than its limit', async () => {
    const { login, clock } = await renewedInOutage();
    const flushed = login.flush(5000);
    await clock.advance(5000);
    await expect(flushed).resolves.toBeUndefined();
  });

  it('does not come back when it was ended', async () => {
    const { replica, request, clock, cutStore, errorOf, shared, app } = await renewedInOutage();
    cutStore(false);
    await shared.endSession(app, request.session);
    await clock.advance(5000);
    expect(await errorOf(replica().profile(request))).toBe('session_unknown');
  });
});

describe('many sessions whose next refresh tokens came while the store was away', () => {
  async function manyRenewedInOutage(count: number) {
    const fixture = await loggedIn();
    const { login, returned, provider, clock, cutStore, errorOf } = fixture;
    const requests = await Promise.all(
      Array.from({ length: count }, async (_, index) => {
        const { session } = await login.exchange(await returned(`code-of-${index}`));
        return { client: 'orders', session: session ?? '' };
      }),
    );
    await clock.advance(HOURS_2);
    let goOn: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    const refresh = provider.refresh.bind(provider);
    provider.refresh = async (...call) => {
      await gate;
      return refresh(...call);
    };
    const asked = requests.map((request) => errorOf(login.profile(request)));
    await settle();
    cutStore(true);
    goOn();
    await clock.advance(2000);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['store_unavailable']));
    cutStore(false);
    return { ...fixture, requests };
  }

  it('does not wait for another one that cannot be written', async () => {
    const { app, shared, requests, clock } = await manyRenewedInOutage(3);
    const handle = requests[0]?.session;
    const save = shared.saveSession.bind(shared);
    shared.saveSession = (...call) =>
      call[1] === handle ? Promise.reject(new TypeError('odd')) : save(...call);
    await clock.advance(12_000);
    const stored = await Promise.all(requests.map(({ session }) => shared.session(app, session)));
    const isNew = stored.map(({ session, nowMs }) => Number(session?.tokens?.expiresAtMs) > nowMs);
    expect(isNew).toEqual([false, true, true]);
    shared.saveSession = save;
    await clock.advance(12_000);
    const { session, nowMs } = await shared.session(app, String(handle));
    expect(session?.tokens?.expiresAtMs).toBeGreaterThan(nowMs);
  });

  it('is not renewed while a thousand wait, and at once when they are stored', async () => {
    const { login, request, provider, clock, errorOf } = await manyRenewedInOutage(1000);
    expect(await errorOf(login.profile(request))).toBe('store_unavailable');
    expect(provider.callsOf('refresh')).toHaveLength(1000);
    await clock.advance(1000);
    expect(await login.profile(request)).toMatchObject({ openid: 'openid-of-mary' });
  });
});
