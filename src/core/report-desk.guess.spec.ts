import type { BrokerFixture } from '../../test/support/create-broker.js';
import { kept, report, rotated, started } from '../../test/support/reports.js';

describe('a guess', () => {
  const guess = (fixture: BrokerFixture, caller = 'orders') =>
    report(fixture, { caller, accessToken: 'token-1', isGuess: true });

  it('that is right costs a probe and a fetch', async () => {
    const fixture = await started();
    expect(await guess(fixture)).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.probed).toEqual(['token-1']);
    expect(fixture.facts).toContainEqual(expect.objectContaining({ kind: 'reported', result: 'rotated' }));
  });

  it('that is wrong changes nothing, however many make it, and is no report', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    for (const caller of ['orders', 'billing', 'search']) {
      expect(await guess(fixture, caller)).toMatchObject(kept('still_valid', 'token-1'));
    }
    expect(fixture.issuer.probed).toHaveLength(1);
    expect(fixture.facts.map(({ kind }) => kind)).not.toContain('reported');
  });

  it('is no vote for a report', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    await guess(fixture, 'billing');
    expect(await report(fixture)).toMatchObject(kept('still_valid', 'token-1'));
  });

  it('is looked into anew after a second', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    await guess(fixture);
    await fixture.clock.advance(1000);
    fixture.issuer.probeOutcome = 'rejected';
    expect(await guess(fixture)).toMatchObject(rotated('token-2'));
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
