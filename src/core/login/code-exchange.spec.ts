import { createLogin } from '../../../test/support/create-login.js';
import { settle } from '../../../test/support/manual-clock.js';

const DROP_IN = { app: 'shop', client: 'orders', code: 'code-of-mary', kind: 'web' } as const;

/** An exchange whose answer the test gives. */
function held({ provider }: ReturnType<typeof createLogin>): () => void {
  const value = provider.grantOf('mary');
  let answer = (): void => undefined;
  provider.next.push(
    new Promise((resolve) => {
      answer = () => {
        resolve({ kind: 'answered', value, body: '{"openid":"openid-of-mary"}' });
      };
    }),
  );
  return () => {
    answer();
  };
}

describe('a code that was claimed', () => {
  it('is given back unsent by a process that stood still before it sent it', async () => {
    const { login, shared, clock, provider, returned, errorOf } = createLogin();
    const request = await returned('code-of-mary');
    const begin = shared.begin.bind(shared);
    shared.begin = async (...asked) => {
      const begun = await begin(...asked);
      await clock.advance(1001);
      return begun;
    };
    expect(await errorOf(login.exchange(request))).toBe('upstream_unavailable');
    expect(provider.calls).toEqual([]);
    shared.begin = begin;
    expect((await login.exchange(request)).openid).toBe('openid-of-mary');
  });

  it('is lost for a service whose session no replica would know, as the store is away when the answer comes', async () => {
    const fixture = createLogin();
    const { login, clock, cutStore, returned, errorOf, provider } = fixture;
    const request = await returned('code-of-mary');
    const answer = held(fixture);
    const asked = errorOf(login.exchange(request));
    await settle();
    cutStore(true);
    answer();
    await clock.advance(1000);
    expect(await asked).toBe('exchange_outcome_unknown');
    cutStore(false);
    await clock.advance(10_000);
    expect(await errorOf(login.exchange(request))).toBe('exchange_outcome_unknown');
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('still brings an SDK its answer then, which this replica gives again', async () => {
    const fixture = createLogin();
    const { login, clock, cutStore, provider } = fixture;
    const answer = held(fixture);
    const asked = login.dropIn.exchange(DROP_IN);
    await settle();
    cutStore(true);
    answer();
    await clock.advance(1000);
    const first = await asked;
    expect(first).toMatchObject({ kind: 'body' });
    expect(await login.dropIn.exchange(DROP_IN)).toEqual(first);
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('is not sent by a second replica because the store goes away while the first one has it', async () => {
    const fixture = createLogin();
    const { login, replica, clock, cutStore, provider } = fixture;
    const answer = held(fixture);
    const first = login.dropIn.exchange(DROP_IN);
    await settle();
    const second = replica().dropIn.exchange(DROP_IN);
    await settle();
    cutStore(true);
    await clock.advance(100);
    expect(await second).toEqual({ kind: 'code_used' });
    answer();
    await clock.advance(1000);
    expect(await first).toMatchObject({ kind: 'body' });
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });

  it('without the store is used for all others of this replica, also when the store is back', async () => {
    const { login, cutStore, provider, returned, errorOf } = createLogin();
    cutStore(true);
    expect(await login.dropIn.exchange(DROP_IN)).toMatchObject({ kind: 'body' });
    expect(await login.dropIn.exchange({ ...DROP_IN, client: 'billing' })).toEqual({ kind: 'code_used' });
    cutStore(false);
    expect(await errorOf(login.exchange(await returned('code-of-mary')))).toBe('code_used');
    expect(provider.callsOf('exchange')).toHaveLength(1);
  });
});
