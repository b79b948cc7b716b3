import { SingleFlight } from './scheduler.js';

describe('SingleFlight', () => {
  it('shares one call among all who come while it runs, key by key', async () => {
    const flights = new SingleFlight<string, string>();
    let calls = 0;
    const work = async (): Promise<string> => {
      calls += 1;
      await Promise.resolve();
      return `result ${String(calls)}`;
    };
    const results = await Promise.all([
      flights.run('a', work),
      flights.run('a', work),
      flights.run('b', work),
    ]);
    expect(calls).toBe(2);
    expect(results[0]).toBe(results[1]);
    expect(flights.isRunning('a')).toBe(false);
    await flights.run('a', work);
    expect(calls).toBe(3);
  });

  it('shares a failure and forgets it', async () => {
    const flights = new SingleFlight<string, number>();
    const failing = (): Promise<number> => Promise.reject(new Error('no'));
    const both = [flights.run('a', failing), flights.run('a', () => Promise.resolve(1))];
    await flights.ended();
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(flights.run('a', () => Promise.resolve(2))).resolves.toBe(2);
  });
});
