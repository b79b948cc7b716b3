import { APP, createBroker, LIFE_MS, NOT_SENT, REFRESH } from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';

const MINUTE_MS = 60_000;

describe('a cold start', () => {
  it('costs one fetch for any number of callers', async () => {
    const { broker, issuer } = createBroker();
    const tokens = await Promise.all(Array.from({ length: 100 }, () => broker.current(APP)));
    expect(new Set(tokens.map(({ record }) => record.value))).toEqual(new Set(['token-1']));
    expect(issuer.calls).toHaveLength(1);
  });

  it('costs one fetch for two replicas', async () => {
    const fixture = createBroker();
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    const answer = fixture.issuer.later();
    fixture.issuer.next.push(answer.outcome);
    const both = Promise.all([fixture.broker.current(APP), sibling.current(APP)]);
    await fixture.clock.advance(300);
    answer.answer(fixture.issuer.mint());
    await fixture.clock.advance(300);
    const [here, there] = await both;
    expect(here.record).toEqual(there.record);
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('fetches nothing before it has asked the store, however early the timers tick', async () => {
    const fixture = createBroker();
    fixture.broker.runDue();
    await settle();
    expect(fixture.issuer.calls).toHaveLength(0);
    await fixture.start();
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('adopts a token that is stored already', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await sibling.start();
    await settle();
    expect(sibling.held(APP)?.record).toEqual(fixture.broker.held(APP)?.record);
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('says what the platform answered, what to do and when it is tried again', async () => {
    const { broker, issuer } = createBroker();
    issuer.next.push(issuer.refuse(40164));
    await expect(broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      errcode: 40164,
      retryAfterSeconds: 300,
      message:
        'There is no token yet: the platform answered 40164 (refused with 40164). What to do about 40164. Next attempt in 300 s. Once that is mended, POST /token/refresh with "force": true asks at once.',
    });
    await expect(broker.current(APP)).rejects.toMatchObject({ code: 'no_token_yet' });
    expect(issuer.calls).toHaveLength(1);
  });

  it('says that the platform cannot be reached', async () => {
    const { broker, issuer } = createBroker();
    issuer.next.push(NOT_SENT);
    await expect(broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      errcode: undefined,
      message: expect.stringMatching(/connection refused.*egress firewall/) as string,
    });
  });

  it('ends for a caller when the platform hangs', async () => {
    const { broker, issuer, clock } = createBroker();
    issuer.next.push(issuer.later().outcome);
    const refused = expect(broker.current(APP)).rejects.toMatchObject({ code: 'no_token_yet' });
    await clock.advance(REFRESH.upstreamTimeoutMs);
    await refused;
  });
});

describe('an unknown app', () => {
  it('is an error everywhere', async () => {
    const { broker } = createBroker();
    expect(broker.apps).toEqual([APP]);
    expect(broker.held('nope')).toBeUndefined();
    expect(() => broker.status('nope')).toThrow(/no app "nope"/);
    await expect(broker.current('nope')).rejects.toMatchObject({ code: 'unknown_app' });
    await expect(broker.report('nope', { caller: 'a', force: false })).rejects.toMatchObject({
      code: 'unknown_app',
    });
  });
});

describe('many apps', () => {
  it('are not all fetched at the same moment', async () => {
    const fixture = createBroker();
    const { issuer, clock } = fixture;
    const broker = fixture.brokerOf(100);
    const answers = Array.from({ length: 64 }, () => issuer.later());
    issuer.next.push(...answers.map(({ outcome }) => outcome));
    await broker.start();
    await clock.advance(250);
    expect(issuer.calls).toHaveLength(64);
    for (const { answer } of answers) answer(issuer.mint());
    await settle();
    broker.runDue();
    await clock.advance(250);
    expect(issuer.calls).toHaveLength(100);
  });
});

describe('whose token it is', () => {
  it('is told of the current one and of the one before, and not of what is kept besides apps', async () => {
    const fixture = createBroker();
    const { broker, clock, app } = fixture;
    await fixture.start();
    broker.register({ ...app, name: 'shop/jsapi' });
    const { value } = (await broker.current('shop/jsapi')).record;
    expect([broker.appOf('token-1'), broker.appOf(value), broker.appOf('')]).toEqual([
      'shop',
      undefined,
      undefined,
    ]);
    await clock.advance(7_200_000 - 240_000);
    broker.runDue();
    await settle();
    const next = broker.held('shop')?.record.value ?? '';
    expect(next).not.toBe('token-1');
    expect([broker.appOf('token-1'), broker.appOf(next)]).toEqual(['shop', 'shop']);
  });

  it('is not told of one that was reported dead', async () => {
    const fixture = createBroker();
    const { broker } = fixture;
    await fixture.start();
    await broker.report('shop', { caller: 'orders', force: false });
    expect([broker.appOf('token-1'), broker.appOf('token-2')]).toEqual([undefined, 'shop']);
  });

  it('is told of the other app when two have one token and the first has a new one', async () => {
    const fixture = createBroker();
    const { issuer } = fixture;
    issuer.next.push(issuer.mint(), issuer.again());
    const broker = fixture.brokerOf(2);
    await broker.start();
    await settle();
    expect(broker.appOf('token-1')).toBe('app-0');
    await broker.report('app-0', { caller: 'orders', force: true });
    expect([broker.appOf('token-1'), broker.appOf('token-2')]).toEqual(['app-1', 'app-0']);
  });
});

describe('who watches', () => {
  it('is told of each newer token, whichever replica fetched it, once, and no more after leaving', async () => {
    const fixture = createBroker();
    const { broker, clock } = fixture;
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    const [own, other]: [string[], string[]] = [[], []];
    const leave = broker.subscribe(APP, ({ record }) => own.push(record.value));
    sibling.subscribe(APP, ({ record }) => other.push(record.value));
    await fixture.start();
    await sibling.start();
    await settle();
    expect([own, other]).toEqual([['token-1'], ['token-1']]);

    await clock.advance(LIFE_MS - 4 * MINUTE_MS);
    broker.runDue();
    await settle();
    broker.runDue();
    await settle();
    expect([own, other]).toEqual([
      ['token-1', 'token-2'],
      ['token-1', 'token-2'],
    ]);

    leave();
    await broker.report(APP, { caller: 'orders', force: true });
    await settle();
    expect(own).toHaveLength(2);
    expect(other).toHaveLength(3);
    expect(() => broker.subscribe('other', () => undefined)).toThrow('There is no app "other"');
  });
});
