import { createBroker, APP } from '../../../test/support/create-broker.js';
import { NO_COUNT } from '../refresh/budgets.js';
import { report, rotated, started } from '../../../test/support/reports.js';

describe('force', () => {
  it('replaces a healthy token without a comparison or a probe', async () => {
    const fixture = await started();
    expect(await report(fixture, { force: true, accessToken: 'whatever' })).toMatchObject(rotated('token-2'));
    expect(fixture.issuer.probed).toEqual([]);
    expect(fixture.issuer.calls.at(-1)).toMatchObject({ forceNew: true });
  });

  it.each([45009, 40164, 61004])(
    'passes the wait after %i, which a person may have mended',
    async (errcode) => {
      const fixture = createBroker();
      fixture.issuer.next.push(fixture.issuer.refuse(errcode));
      await fixture.start();
      await expect(report(fixture)).rejects.toMatchObject({ code: 'upstream_rejected' });
      expect(await report(fixture, { force: true })).toMatchObject(rotated('token-1'));
    },
  );

  it('has a budget that no report uses up, and that the others of the day do not', async () => {
    const fixture = await started({ dailyBudget: 3, forcedDailyBudget: 2 });
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await report(fixture)).toMatchObject({ reason: 'rotated' });
      await fixture.run(31_000);
    }
    expect(await report(fixture)).toMatchObject({ kind: 'budget_exhausted' });
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await report(fixture, { force: true })).toMatchObject({ reason: 'rotated' });
    }
    expect(await report(fixture, { force: true })).toMatchObject({
      kind: 'budget_exhausted',
      detail: expect.stringContaining('2 forced refreshes') as string,
    });
  });
});

describe('the budgets of reports', () => {
  const silent = async (refresh: Parameters<typeof started>[0]) => {
    const fixture = await started(refresh);
    fixture.issuer.probeOutcome = 'no_answer';
    return fixture;
  };

  it('replace a token that the platform refused as long as the day’s budget lasts', async () => {
    const fixture = await started({ dailyBudget: 40, forcedDailyBudget: 2 });
    for (let turn = 2; turn <= 40; turn += 1) {
      expect(await report(fixture)).toMatchObject(rotated(`token-${String(turn)}`));
      await fixture.run(31_000);
    }
    const { count } = await fixture.store.read(fixture.app);
    expect(count).toEqual({ ...NO_COUNT, fetches: 40 });
  });

  it('say for as long as they are empty that the token is dead', async () => {
    const fixture = await started({ dailyBudget: 1 });
    expect(await report(fixture)).toMatchObject({
      kind: 'budget_exhausted',
      token: { record: { value: 'token-1' } },
      retryAfterSeconds: expect.any(Number) as number,
    });
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'suspect',
      lastError: {
        class: 'dead',
        message: expect.stringContaining("Today's 1 fetches are used up") as string,
      },
    });
    await report(fixture, { force: true });
    expect(fixture.broker.status(APP).state).toBe('degraded');
  });

  it('limit how often the platform is told to replace a token that it hands out dead', async () => {
    const fixture = await started({ forcedDailyBudget: 1 });
    const { issuer } = fixture;
    issuer.next.push(issuer.again());
    expect(await report(fixture)).toMatchObject(rotated('token-2'));
    await fixture.run(31_000);
    issuer.next.push(issuer.again());
    expect(await report(fixture)).toMatchObject({
      kind: 'budget_exhausted',
      detail: expect.stringContaining('hands the dead token out again') as string,
    });
    expect(issuer.calls.filter(({ forceNew }) => forceNew)).toHaveLength(1);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'suspect', lastError: { class: 'dead' } });
  });

  it('limit what no probe confirms, and leave half of it to other clients', async () => {
    const fixture = await silent({ forcedDailyBudget: 4 });
    const turns = async (caller: string, count: number): Promise<unknown[]> => {
      const answers: unknown[] = [];
      for (let turn = 0; turn < count; turn += 1) {
        answers.push(await report(fixture, { caller }));
        await fixture.run(61_000);
      }
      return answers;
    };
    expect((await turns('orders', 3)).at(-1)).toMatchObject({
      kind: 'budget_exhausted',
      detail: expect.stringContaining("this client's half") as string,
    });
    expect((await turns('billing', 3)).at(-1)).toMatchObject({ kind: 'budget_exhausted' });
    expect(fixture.issuer.calls).toHaveLength(5);
    // Nothing proves that the token is dead.
    expect(fixture.broker.status(APP).state).toBe('ok');
    fixture.issuer.probeOutcome = 'rejected';
    expect(await report(fixture)).toMatchObject({ reason: 'rotated' });
  });
});

describe('when no new token comes', () => {
  it('the budget of forced refreshes is named, with the token that is left', async () => {
    const fixture = await started({ forcedDailyBudget: 1 });
    await report(fixture, { force: true });
    const answer = await report(fixture, { force: true });
    expect(answer).toMatchObject({
      kind: 'budget_exhausted',
      token: { record: { value: 'token-2' } },
      detail: expect.stringContaining('1 forced refreshes') as string,
      retryAfterSeconds: expect.any(Number) as number,
    });
    expect(fixture.emitted.at(-1)).toMatchObject({
      kind: 'reported',
      result: 'budget_exhausted',
      caller: 'orders',
    });
  });

  it('the day’s budget is named, without a token if there is none', async () => {
    const fixture = createBroker({ dailyBudget: 1 });
    fixture.issuer.next.push({ kind: 'unknown', cause: new Error('reset') });
    await fixture.start();
    await fixture.clock.advance(901_000);
    expect(await report(fixture)).toMatchObject({
      kind: 'budget_exhausted',
      token: null,
      detail: expect.stringContaining('1 fetches') as string,
    });
  });

  it('a refusal is upstream_rejected, and further reports wait with everybody else', async () => {
    const fixture = await started();
    fixture.issuer.next.push(fixture.issuer.refuse(40125));
    for (let turn = 0; turn < 5; turn += 1) {
      await expect(report(fixture)).rejects.toMatchObject({
        code: 'upstream_rejected',
        errcode: 40125,
        retryAfterSeconds: 20,
      });
    }
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('a platform that gives no answer is upstream_unavailable', async () => {
    const fixture = await started();
    fixture.issuer.next.push({ kind: 'unknown', cause: new Error('connection reset') });
    await expect(report(fixture)).rejects.toMatchObject({
      code: 'upstream_unavailable',
      errcode: undefined,
      message: expect.stringContaining('connection reset') as string,
    });
  });
});
