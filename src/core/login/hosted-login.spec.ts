import { createLogin, LANDING, LOST, NOT_SENT, refused } from '../../../test/support/create-login.js';

function createHosted() {
  const fixture = createLogin({ callbackBaseUrl: 'https://login.example.com' });
  const back = (state: string, code?: string) => fixture.login.callback({ app: 'shop', code, state });
  const ticketOf = (redirectTo: string): string => new URL(redirectTo).searchParams.get('ticket') ?? '';
  return { ...fixture, back, ticketOf };
}

describe('a hosted login', () => {
  it('sends the browser on with a ticket, which its service redeems once with the binding', async () => {
    const { login, started, back, ticketOf, errorOf } = createHosted();
    const { url, state, binding, fields } = await started();
    expect(fields.redirect_uri).toBe('https://login.example.com/login/callback/shop');
    expect(new URL(url).searchParams.get('redirect_uri')).toBe(fields.redirect_uri);
    const { redirectTo } = await back(state, 'code-of-mary');
    expect(redirectTo).toMatch(/^https:\/\/shop\.example\.com\/back\?ticket=tbt_[\w-]{52}$/);
    const request = { client: 'orders', ticket: ticketOf(redirectTo), binding };
    expect(await errorOf(login.redeem({ ...request, client: 'billing' }))).toBe('ticket_unknown');
    expect(await errorOf(login.redeem({ ...request, binding: 'stolen' }))).toBe('state_mismatch');
    const answer = await login.redeem(request);
    expect(answer).toMatchObject({ openid: 'openid-of-mary', session: expect.stringMatching(/^tbs_/) });
    expect(await errorOf(login.redeem(request))).toBe('ticket_used');
    expect(await login.profile({ client: 'orders', session: answer.session ?? '' })).toMatchObject({
      openid: 'openid-of-mary',
    });
  });

  it('sends a browser that comes back twice to the same place, with one call', async () => {
    const { started, back, provider, errorOf } = createHosted();
    const { state } = await started();
    const first = await back(state, 'code-of-mary');
    expect(await back(state, 'code-of-mary')).toEqual(first);
    expect(await errorOf(back(state, 'another-code'))).toBe('state_used');
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('gives a user of WeChat’s preview page no session, and the other values all the same', async () => {
    const { login, started, back, ticketOf, provider } = createHosted();
    const value = { ...provider.grantOf('mary'), isSnapshot: true };
    provider.next.push({ kind: 'answered', value, body: '{}' });
    const { state, binding } = await started();
    const { redirectTo } = await back(state, 'code');
    expect(await login.redeem({ client: 'orders', ticket: ticketOf(redirectTo), binding })).toMatchObject({
      openid: 'openid-of-mary',
      snapshot: true,
      session: null,
      expiresInSeconds: 0,
    });
  });

  it('sends a refusal on, and uses the state up', async () => {
    const { started, back, errorOf, provider } = createHosted();
    const { state } = await started();
    expect(await back(state)).toEqual({ redirectTo: `${LANDING}?error=access_denied` });
    expect(await errorOf(back(state, 'code-of-mary'))).toBe('state_used');
    expect(provider.calls).toEqual([]);
  });

  it.each([
    ['code_invalid', refused(40029, 'code_invalid')],
    ['exchange_outcome_unknown', LOST],
    ['upstream_unavailable', NOT_SENT],
  ])('sends the browser on with the error %s', async (error, outcome) => {
    const { started, back, provider } = createHosted();
    provider.next.push(outcome);
    const { state } = await started();
    expect(await back(state, 'code')).toEqual({ redirectTo: `${LANDING}?error=${error}` });
  });

  it('sends the browser nowhere for a state that is not its own', async () => {
    const { login, started, back, clock, errorOf, provider } = createHosted();
    expect(await errorOf(back('never-given', 'code'))).toBe('state_unknown');
    expect(await errorOf(login.callback({ app: 'shop', code: 'code' }))).toBe('state_unknown');
    const { state } = await started();
    await clock.advance(600_000);
    expect(await errorOf(back(state, 'code'))).toBe('state_expired');
    const direct = createLogin();
    const begun = await direct.started();
    expect(await errorOf(direct.login.callback({ app: 'shop', code: 'code', state: begun.state }))).toBe(
      'state_unknown',
    );
    expect(provider.calls).toEqual([]);
  });

  it('keeps a ticket for a minute', async () => {
    const { login, started, back, ticketOf, clock, errorOf } = createHosted();
    const { state, binding } = await started();
    const { redirectTo } = await back(state, 'code-of-mary');
    await clock.advance(60_000);
    const request = { client: 'orders', ticket: ticketOf(redirectTo), binding };
    expect(await errorOf(login.redeem(request))).toBe('ticket_unknown');
    expect(await errorOf(login.redeem({ ...request, ticket: 'tbt_nothing' }))).toBe('ticket_unknown');
  });

  it('cannot be exchanged by the service itself', async () => {
    const { login, started, errorOf } = createHosted();
    const { state, binding } = await started();
    const request = { app: 'shop', client: 'orders', code: 'code', state, proof: { binding } };
    expect(await errorOf(login.exchange(request))).toBe('state_unknown');
  });
});
