import { ClientWorld } from '../../../test/support/client-world.js';
import { keyOf } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';

const DEAD = { errcode: 40001, errmsg: 'invalid credential, access_token is invalid or not latest' };
const FINE = { errcode: 0, errmsg: 'ok' };

describe('call() of a token client', () => {
  let world: ClientWorld;

  beforeEach(async () => {
    world = await ClientWorld.start();
  });
  afterEach(() => world.stop());

  /** What the platform answers while this token is the living one. */
  const platform = (living: string, refused: unknown = DEAD) => {
    const seen: string[] = [];
    const work = (token: string): unknown => {
      seen.push(token);
      return token === living ? FINE : refused;
    };
    return { seen, work };
  };

  it('passes the answer through when the token is good', async () => {
    const { client } = world.connect();
    const { seen, work } = platform('83_value-7');
    expect(await client.call(work)).toBe(FINE);
    expect(seen).toEqual(['83_value-7']);
    expect(world.edge.broker.reports).toEqual([]);
  });

  it.each([40001, 42001, 40014, 'invalid_token'])(
    'reports %s, and runs once more with the new token',
    async (errcode) => {
      const { client } = world.connect();
      const { seen, work } = platform('83_value-8', { ...DEAD, errcode });
      expect(await client.call(work)).toBe(FINE);
      expect(seen).toEqual(['83_value-7', '83_value-8']);
      expect(world.edge.broker.reports).toMatchObject([
        { app: 'shop', report: { accessToken: '83_value-7', generation: 7, errcode } },
      ]);
    },
  );

  it('reports without an errcode what the caller found dead by itself', async () => {
    const { client } = world.connect();
    const token = await client.get();
    expect(await client.report(token)).toBe('83_value-8');
    expect(world.edge.broker.reports).toMatchObject([{ report: { accessToken: token, errcode: undefined } }]);
  });

  it('does the same when it throws', async () => {
    const { client } = world.connect();
    const seen: string[] = [];
    const answer = await client.call((token) => {
      seen.push(token);
      if (token !== '83_value-8') throw Object.assign(new Error('refused'), { errcode: 42001 });
      return FINE;
    });
    expect(answer).toBe(FINE);
    expect(seen).toEqual(['83_value-7', '83_value-8']);
  });

  it('never runs a third time', async () => {
    const { client } = world.connect();
    const { seen, work } = platform('none at all');
    expect(await client.call(work)).toBe(DEAD);
    expect(seen).toEqual(['83_value-7', '83_value-8']);
    expect(world.edge.broker.reports).toHaveLength(1);
  });

  it('leaves other errcodes and errors alone', async () => {
    const { client } = world.connect();
    const answer = { errcode: 48001, errmsg: 'api unauthorized' };
    expect(await client.call(() => answer)).toBe(answer);
    const error = new Error('mine');
    await expect(client.call(() => Promise.reject(error))).rejects.toBe(error);
    expect(world.edge.broker.reports).toEqual([]);
  });

  it('takes a newer token that it has already, without a report', async () => {
    const { client } = world.connect();
    const seen: string[] = [];
    const answer = await client.call(async (token) => {
      seen.push(token);
      if (seen.length > 1) return FINE;
      await world.streaming();
      world.rotate(8);
      await eventually('pushed', async () => (await client.get()) === '83_value-8');
      return DEAD;
    });
    expect(answer).toBe(FINE);
    expect(seen).toEqual(['83_value-7', '83_value-8']);
    expect(world.edge.broker.reports).toEqual([]);
  });

  it('heals 100 calls at once with one report', async () => {
    const { client } = world.connect();
    const { seen, work } = platform('83_value-8');
    const answers = await Promise.all(Array.from({ length: 100 }, () => client.call(work)));
    expect(answers).toEqual(Array.from({ length: 100 }, () => FINE));
    expect(world.edge.broker.reports).toHaveLength(1);
    expect(seen.filter((token) => token === '83_value-8')).toHaveLength(100);
  });

  it('shares the answer with those who come a little later, when the broker finds the token good', async () => {
    world.edge.broker.reportAnswer = () => ({
      kind: 'answered',
      refreshed: false,
      reason: 'still_valid',
      token: heldToken(7, 7_000_500),
    });
    const { client } = world.connect();
    const { seen, work } = platform('none at all');
    await client.call(work);
    await client.call(work);
    expect(world.edge.broker.reports).toHaveLength(1);
    expect(seen).toHaveLength(4);
  });

  it('returns what the platform said when the broker has no other token', async () => {
    world.edge.broker.reportAnswer = () => {
      throw new Error('broken');
    };
    const { client, events } = world.connect({ timeoutMs: 500 });
    expect(await client.call(() => DEAD)).toBe(DEAD);
    const error = Object.assign(new Error('refused'), { errcode: 40014 });
    await expect(client.call(() => Promise.reject(error))).rejects.toBe(error);
    expect(events.filter(({ type }) => type === 'report_failed')).toMatchObject([
      { errcode: 40001, error: { status: 500 } },
      { errcode: 40014, error: { status: 500 } },
    ]);
  });

  it('waits for the token that the broker has not yet, and takes it from the stream', async () => {
    world.refuseReports({ retryAfterSeconds: 5 });
    const { client } = world.connect();
    await client.get();
    await world.streaming();
    const { work } = platform('83_value-8');
    const calls = Promise.all([client.call(work), client.call(work)]);
    await eventually('reported', () => world.edge.broker.reports.length > 0);
    world.rotate(8);
    expect(await calls).toEqual([FINE, FINE]);
    expect(world.edge.broker.reports).toHaveLength(1);
  });

  it('says so when its key may not report', async () => {
    const { client, events } = world.connect({ apiKey: keyOf('reader') });
    expect(await client.call(() => DEAD)).toBe(DEAD);
    expect(events.at(-1)).toMatchObject({ type: 'report_failed', error: { code: 'forbidden' } });
  });
});
