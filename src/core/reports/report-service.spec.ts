import { createBroker, APP } from '../../../test/support/create-broker.js';
import { settle } from '../../../test/support/manual-clock.js';
import { NO_COUNT } from '../refresh/budgets.js';
import { kept, report, rotated, started } from '../../../test/support/reports.js';

describe('a report', () => {
  it('of a token that is not current costs nothing', async () => {
    const fixture = await started();
    const old = fixture.broker.held(APP)?.record.generation ?? 0;
    await report(fixture, { force: true });
    expect(await report(fixture, { accessToken: 'token-1' })).toMatchObject(
      kept('already_rotated', 'token-2'),
    );
    expect(await report(fixture, { generation: old })).toMatchObject(kept('already_rotated', 'token-2'));
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(fixture.issuer.probed).toEqual([]);
  });

  it.each([
    ['by value', { accessToken: 'token-1' }],
    ['by nothing', {}],
  ])('of the dead current token, named %s, costs a probe and a fetch', async (_how, named) => {
    const fixture = await started();
    expect(await report(fixture, named)).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.probed).toEqual(['token-1']);
    expect(fixture.issuer.calls).toEqual([
      { appSecret: 'first-secret', forceNew: false },
      { appSecret: 'first-secret', forceNew: false },
    ]);
  });

  it('names the current token by any generation that has its value', async () => {
    const fixture = await started();
    const generation = fixture.broker.held(APP)?.record.generation;
    fixture.issuer.next.push(fixture.issuer.again());
    await fixture.broker.changeSecret(APP, 'second-secret');
    expect(fixture.broker.held(APP)?.record.generation).toBeGreaterThan(generation ?? 0);
    expect(await report(fixture, { generation })).toMatchObject(rotated('token-2'));
  });

  it('by 50 at once costs one probe and one fetch', async () => {
    const fixture = await started();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => report(fixture, { accessToken: 'token-1' })),
    );
    for (const answer of answers) expect(answer).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.probed).toHaveLength(1);
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('that names nothing after a reported token was replaced costs nothing for 30 s', async () => {
    const fixture = await started();
    await report(fixture);
    await fixture.run(29_000);
    expect(await report(fixture)).toMatchObject(kept('recently_rotated', 'token-2'));
    expect(fixture.issuer.calls).toHaveLength(2);
    await fixture.run(1500);
    expect(await report(fixture)).toMatchObject(rotated('token-3'));
  });

  it('of a token that was fetched for a report a moment ago makes it suspect, until a report of it counts', async () => {
    const fixture = await started();
    await report(fixture);
    await fixture.run(10_000);
    await report(fixture);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
    expect(await report(fixture, { accessToken: 'token-2' })).toMatchObject(
      kept('recently_rotated', 'token-2'),
    );
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'suspect',
      lastError: {
        class: 'report',
        message: expect.stringContaining('looked into again in 20 s') as string,
      },
    });
    await fixture.run(20_000);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
    expect(await report(fixture, { accessToken: 'token-2' })).toMatchObject(rotated('token-3'));
  });

  it('of a token that the platform still accepts changes nothing, and is believed for 10 s', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    expect(await report(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    await fixture.run(9500);
    expect(await report(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    expect(fixture.issuer.probed).toHaveLength(1);
    await fixture.run(1000);
    await report(fixture);
    expect(fixture.issuer.probed).toHaveLength(2);
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('of a token that the platform accepts changes nothing, however many callers make it', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    for (let minute = 0; minute < 20; minute += 1) {
      for (const caller of ['orders', 'billing', 'search']) {
        expect(await report(fixture, { caller })).toMatchObject(kept('still_valid', 'token-1'));
      }
      await fixture.run(31_000);
    }
    expect(fixture.issuer.calls).toHaveLength(1);
    expect((await fixture.store.read(fixture.app)).count).toEqual({ ...NO_COUNT, fetches: 1 });
  });

  it('is looked into anew for a client that has not reported it of late', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    await report(fixture);
    fixture.issuer.probeOutcome = 'rejected';
    expect(await report(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    expect(await report(fixture, { caller: 'billing' })).toMatchObject(rotated('token-2'));
  });

  it('by a client that the platform contradicted five times is answered from a probe of the last minute', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    for (let turn = 0; turn < 5; turn += 1) {
      await report(fixture);
      await report(fixture);
      await fixture.run(11_000);
    }
    expect(fixture.issuer.probed).toHaveLength(5);
    await report(fixture);
    await fixture.run(30_000);
    await report(fixture);
    expect(fixture.issuer.probed).toHaveLength(5);
    await report(fixture, { caller: 'billing' });
    expect(fixture.issuer.probed).toHaveLength(6);
    await fixture.run(61_000);
    fixture.issuer.probeOutcome = 'rejected';
    expect(await report(fixture)).toMatchObject(rotated('token-2'));
  });

  it('by a client that the platform contradicted five times is no second voice where the platform says nothing', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    for (let turn = 0; turn < 5; turn += 1) {
      const answer = await report(fixture);
      if (turn < 4) expect(answer).not.toHaveProperty('note');
      await fixture.run(11_000);
    }
    expect(await report(fixture)).toMatchObject({
      reason: 'still_valid',
      note: expect.stringContaining('5 times within 10 minutes') as string,
    });
    await fixture.run(61_000);
    fixture.issuer.probeOutcome = 'no_answer';
    await report(fixture);
    await report(fixture, { caller: 'billing' });
    const { count } = await fixture.store.read(fixture.app);
    expect(count.unproven).toBeGreaterThan(0);
  });

  it('by a client that was contradicted is heard again as before after ten minutes', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'accepted';
    for (let turn = 0; turn < 5; turn += 1) {
      await report(fixture);
      await fixture.run(11_000);
    }
    await fixture.run(600_000);
    await report(fixture);
    await fixture.run(11_000);
    await report(fixture);
    expect(fixture.issuer.probed).toHaveLength(7);
  });

  it('whose probe comes back after others have rotated costs no further fetch', async () => {
    const fixture = await started();
    let answerProbe: (outcome: 'rejected') => void = () => undefined;
    fixture.issuer.probeOutcome = new Promise((resolve) => {
      answerProbe = resolve;
    });
    const slow = report(fixture, { accessToken: 'token-1' });
    expect(await report(fixture, { caller: 'billing', force: true })).toMatchObject(rotated('token-2'));
    answerProbe('rejected');
    expect(await slow).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('is believed unseen where reports are not verified', async () => {
    const fixture = await started({ verifyReports: false });
    expect(await report(fixture)).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.probed).toEqual([]);
  });

  it('is taken for true when the probe gives no answer', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'no_answer';
    expect(await report(fixture)).toMatchObject(rotated('token-2'));
  });

  it('is taken for true where the platform has no probe, within the budget of unproven reports', async () => {
    const fixture = await started({ forcedDailyBudget: 2 });
    Object.assign(fixture.issuer, { probe: undefined });
    expect(await report(fixture)).toMatchObject(rotated('token-2'));
    await fixture.run(31_000);
    expect(await report(fixture)).toMatchObject({ kind: 'budget_exhausted' });
    expect(fixture.emitted.filter(({ kind }) => kind === 'probed')).toEqual([]);
  });

  it('forces the platform only when it hands the dead token out again', async () => {
    const fixture = await started();
    fixture.issuer.next.push(fixture.issuer.again());
    expect(await report(fixture)).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.calls.map(({ forceNew }) => forceNew)).toEqual([false, false, true]);
  });

  it('by two callers within a minute forces the platform where the probe gives no answer', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'no_answer';
    fixture.issuer.next.push(fixture.issuer.again(), fixture.issuer.again());
    expect(await report(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    await fixture.run(31_000);
    expect(await report(fixture, { caller: 'billing' })).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.calls.map(({ forceNew }) => forceNew)).toEqual([false, false, false, true]);
  });

  it('does not force the platform when nothing proves the token dead', async () => {
    const fixture = await started();
    fixture.issuer.probeOutcome = 'no_answer';
    fixture.issuer.next.push(fixture.issuer.again());
    expect(await report(fixture)).toMatchObject(kept('still_valid', 'token-1'));
    expect(fixture.issuer.calls.map(({ forceNew }) => forceNew)).toEqual([false, false]);
  });

  it('while there is no token costs one fetch', async () => {
    const fixture = createBroker();
    const answers = await Promise.all([report(fixture), report(fixture, { accessToken: 'ancient' })]);
    for (const answer of answers) expect(answer).toMatchObject(rotated('token-1'));
    expect(fixture.issuer.calls).toHaveLength(1);
    expect((await fixture.store.read(fixture.app)).count.forced).toBe(0);
  });

  it('that names a newer generation than this replica knows makes it look into the store', async () => {
    const fixture = await started();
    const sibling = fixture.sibling();
    await sibling.start();
    await report(fixture, { force: true });
    const generation = fixture.broker.held(APP)?.record.generation;
    const answer = await sibling.report(APP, { caller: 'orders', force: false, generation });
    expect(answer).toMatchObject(kept('recently_rotated', 'token-2'));
  });

  it('that joins a scheduled fetch of the same token takes its result', async () => {
    const fixture = await started({ jitterMs: 0 });
    const answer = fixture.issuer.later();
    fixture.issuer.next.push(answer.outcome);
    await fixture.run(7_200_000 - 270_000 + 500);
    const reported = report(fixture, { accessToken: 'token-1' });
    await settle();
    answer.answer(fixture.issuer.mint());
    expect(await reported).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.calls).toHaveLength(2);
  });
});

describe('a token that a person has tried', () => {
  const tried = async (outcome: 'accepted' | 'rejected' | 'no_answer', words: object) => {
    const fixture = await started();
    Object.assign(fixture.issuer, { probeOutcome: outcome, probeWords: words });
    return { fixture, answer: await fixture.broker.test(APP, 'ops') };
  };

  it('is alive, and nothing is done', async () => {
    const { fixture, answer } = await tried('accepted', {});
    expect(answer).toEqual({ outcome: 'accepted', errcode: null, message: null, remedy: null });
    await settle();
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('is dead, with the word of the platform, and is replaced', async () => {
    const { fixture, answer } = await tried('rejected', { errcode: 42001, message: 'access_token expired' });
    expect(answer).toEqual({
      outcome: 'rejected',
      errcode: 42001,
      message: 'access_token expired',
      remedy: null,
    });
    await settle();
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it.each([
    [{ errcode: 61004, message: '' }, 'What to do about 61004.'],
    [{ message: 'No connection.', fault: 'refused' }, expect.stringMatching(/^Check that this host reaches/)],
    [{}, null],
  ])('may be alive or dead, with what to do: %j', async (words, remedy) => {
    const { fixture, answer } = await tried('no_answer', words);
    expect(answer).toMatchObject({ outcome: 'no_answer', remedy });
    expect(fixture.issuer.calls).toHaveLength(1);
  });
});
