import { kept, report, rotated, started } from '../../../test/support/reports.js';

describe('an errcode that no new token cures', () => {
  it('is an error that says what the code means', async () => {
    const fixture = await started();
    await expect(report(fixture, { errcode: 48001 })).rejects.toMatchObject({
      code: 'not_a_token_error',
      errcode: 48001,
      message: expect.stringContaining('What to do about 48001.') as string,
    });
    expect(fixture.issuer.probed).toEqual([]);
    expect(await report(fixture, { errcode: 42001 })).toMatchObject(rotated('token-2'));
  });
});

describe('an errcode that is a word', () => {
  it('is explained, told and answered as a number is', async () => {
    const fixture = await started();
    expect(await report(fixture, { errcode: 'invalid_token' })).toMatchObject(rotated('token-2'));
    expect(fixture.emitted).toContainEqual(
      expect.objectContaining({ kind: 'reported', errcode: 'invalid_token' }),
    );
  });
});

describe('an errcode that nobody knows', () => {
  it('has the token tried, however many report it', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    const reports = ['orders', 'billing', 'search'].map((caller) =>
      report(fixture, { caller, errcode: 61_234 }),
    );
    for (const answer of await Promise.all(reports)) {
      expect(answer).toMatchObject(kept('still_valid', 'token-1'));
    }
    expect(fixture.issuer.calls).toHaveLength(1);
    expect(fixture.emitted).toContainEqual(expect.objectContaining({ kind: 'reported', errcode: 61_234 }));
  });

  it('replaces a token that the platform refuses', async () => {
    expect(await report(await started(), { errcode: 61_234 })).toMatchObject(rotated('token-2'));
  });
});
