import fc from 'fast-check';
import { inspect } from 'node:util';
import { loadText } from '../../test/support/config-file.js';
import { ConfigError } from './faults.js';

describe('whatever the file holds', () => {
  const CANARY = 'c4n4ry9f8e7d';
  const planted = fc.constantFrom(
    CANARY,
    `tbk_${CANARY}`,
    [CANARY],
    { [CANARY]: null },
    { value: CANARY },
    { text: CANARY, more: 1 },
    `redis://user:${CANARY}@host:port`,
  );
  const junk = fc.jsonValue({ maxDepth: 3 });
  const some = <T>(value: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: junk });
  const section = (keys: Record<string, fc.Arbitrary<unknown>>) =>
    some(fc.oneof({ weight: 5, arbitrary: fc.record(keys, { requiredKeys: [] }) }, planted));
  const list = (entry: fc.Arbitrary<unknown>) =>
    some(fc.oneof({ weight: 5, arbitrary: fc.array(entry, { maxLength: 3 }) }, planted));
  const names = fc.constantFrom('shop', 'orders', 'Bad Name');
  const tree = section({
    server: section({ port: junk, trustProxy: junk, logLevel: junk, password: planted }),
    redis: section({
      url: some(planted),
      sentinels: junk,
      password: planted,
      secret: planted,
      tls: section({ ca: planted }),
    }),
    encryption: section({ keys: list(section({ id: names, key: planted })) }),
    apps: list(
      section({
        name: names,
        appId: some(fc.constant('wx1')),
        appSecret: planted,
        appsecret: planted,
        refresh: section({ leaseSeconds: junk, dailyBudget: junk, forcedDailyBudget: junk }),
      }),
    ),
    clients: list(
      section({
        name: names,
        keySha256: some(fc.oneof(planted, fc.array(planted))),
        apps: some(fc.array(names)),
        scopes: junk,
      }),
    ),
    [`appSecret:${CANARY}`]: fc.constant(null),
  });

  it('loads, or throws a ConfigError that shows no secret', () => {
    fc.assert(
      fc.property(tree, (root) => {
        try {
          loadText(JSON.stringify(root));
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          expect(inspect(error, { depth: null, showHidden: true })).not.toContain(CANARY);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('shows none in faults of syntax either', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('{}[]:,&*!|>?-"\'#%@` \n\ta')) }),
        fc.nat(),
        (text, at) => {
          const cut = at % (text.length + 1);
          try {
            loadText(`${text.slice(0, cut)}${CANARY}${text.slice(cut)}`);
          } catch (error) {
            if (!(error instanceof ConfigError)) throw error;
            expect(inspect(error, { depth: null, showHidden: true })).not.toContain(CANARY);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
