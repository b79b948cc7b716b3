import { APP, type BrokerFixture } from '../../../test/support/create-broker.js';
import { kept, report, rotated, started } from '../../../test/support/reports.js';

describe('a guess', () => {
  const guess = (fixture: BrokerFixture, accessToken = 'token-1', caller = 'orders') =>
    report(fixture, { caller, accessToken, isGuess: true });

  it('that is right costs a probe and a fetch', async () => {
    const fixture = await started();
    expect(await guess(fixture)).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.probed).toEqual(['token-1']);
    expect(fixture.emitted).toContainEqual(expect.objectContaining({ kind: 'reported', result: 'rotated' }));
  });

  it('that is wrong changes nothing, however many make it, and is no report', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    const callers = ['orders', 'billing', 'search'];
    for (const answer of await Promise.all(callers.map((caller) => guess(fixture, 'token-1', caller)))) {
      expect(answer).toMatchObject(kept('still_valid', 'token-1'));
    }
    expect(fixture.issuer.probed).toHaveLength(1);
    expect(fixture.emitted.map(({ kind }) => kind)).not.toContain('reported');
  });

  it('is no vote for a report', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'no_answer';
    fixture.issuer.next.push(fixture.issuer.again());
    await guess(fixture, 'token-1', 'billing');
    expect(await report(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    expect(fixture.issuer.calls.map(({ forceNew }) => forceNew)).toEqual([false, false]);
  });

  it.each([
    ['is suspect if the platform refuses it', 'rejected', 'recently_rotated', 'suspect'],
    ['is as good as ever if the platform accepts it', 'accepted', 'still_valid', 'ok'],
  ] as const)('of a token fetched for a report a moment ago %s', async (_, outcome, reason, state) => {
    const fixture = await started();
    await report(fixture);
    fixture.issuer.probeOutcome = outcome;
    expect(await report(fixture, { accessToken: 'token-2', isGuess: true })).toMatchObject(
      kept(reason, 'token-2'),
    );
    expect(fixture.broker.status(APP).state).toBe(state);
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('of a burst is looked into once, and the next one again, a moment later', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    await Promise.all(Array.from({ length: 100 }, () => guess(fixture)));
    expect(fixture.issuer.probed).toHaveLength(1);
    fixture.issuer.probeOutcome = 'rejected';
    const next = [guess(fixture), guess(fixture)];
    await fixture.clock.advance(249);
    expect(fixture.issuer.probed).toHaveLength(1);
    await fixture.clock.advance(1);
    for (const answer of await Promise.all(next)) expect(answer).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.probed).toHaveLength(2);
  });

  it('finds each of three deaths', async () => {
    const fixture = await started();
    for (const count of [1, 2, 3]) {
      fixture.issuer.probeOutcome = 'accepted';
      await guess(fixture, `token-${String(count)}`);
      await fixture.run(31_000);
      fixture.issuer.probeOutcome = 'rejected';
      expect(await guess(fixture, `token-${String(count)}`)).toMatchObject(
        rotated(`token-${String(count + 1)}`),
      );
    }
  });

  it('that is made all the time is looked into ten times, and then every 10 s', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    const probesWithin = async (seconds: number) => {
      const before = fixture.issuer.probed.length;
      const answers: ReturnType<typeof guess>[] = [];
      for (let tenths = 0; tenths < 10 * seconds; tenths++) {
        answers.push(guess(fixture));
        await fixture.clock.advance(100);
      }
      for (const answer of await Promise.all(answers)) {
        expect(answer).toMatchObject(kept('still_valid', 'token-1'));
      }
      return fixture.issuer.probed.length - before;
    };
    expect(await probesWithin(3)).toBe(10);
    expect(await probesWithin(60)).toBe(6);
    expect(await probesWithin(600)).toBe(60);
    await fixture.run(100_000);
    expect(await probesWithin(3)).toBe(10);
  });

  it('that found the token alive answers no report', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    await guess(fixture);
    fixture.issuer.probeOutcome = 'rejected';
    expect(await report(fixture)).toMatchObject(rotated('token-2'));
  });

  it('about a token that a report led to 30 s ago at most is looked into, and leads to nothing else', async () => {
    const fixture = await started();
    await report(fixture);
    fixture.issuer.probeOutcome = 'accepted';
    expect(await guess(fixture, 'token-2')).toMatchObject(kept('still_valid', 'token-2'));
    await fixture.clock.advance(10_000);
    fixture.issuer.probeOutcome = 'rejected';
    const before = fixture.issuer.probed.length;
    const answers = await Promise.all(Array.from({ length: 100 }, () => guess(fixture, 'token-2')));
    for (const answer of answers) {
      expect(answer).toMatchObject({ ...kept('recently_rotated', 'token-2'), heardInMs: 20_000 });
    }
    expect(fixture.issuer.probed).toHaveLength(before + 1);
    await fixture.clock.advance(20_000);
    expect(await guess(fixture, 'token-2')).toMatchObject(rotated('token-3'));
  });

  it('waits for a silent platform once', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'no_answer';
    for (let count = 0; count < 10; count++) {
      expect(await guess(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    }
    expect(fixture.issuer.probed).toHaveLength(1);
  });

  it.each([
    ['a platform that does not answer', {}, 'no_answer' as const],
    ['a configuration that wants no probes', { verifyReports: false }, 'rejected' as const],
  ])('is idle with %s', async (_, refresh, probeOutcome) => {
    const fixture = await started(refresh);
    fixture.issuer.probeOutcome = probeOutcome;
    expect(await guess(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    expect(fixture.issuer.calls).toHaveLength(1);
  });
});
