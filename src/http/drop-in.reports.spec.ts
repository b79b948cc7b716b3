import { keyOf, type Edge } from '../../test/support/create-edge.js';
import { askClassic, askStable, createDropInEdge } from '../../test/support/drop-in-edge.js';
import { heldToken } from '../../test/support/fake-broker.js';

describe('the drop-in token endpoints', () => {
  let edge: Edge;

  beforeEach(async () => {
    edge = await createDropInEdge();
  });
  afterEach(() => edge.app.close());

  const classic = (parameters?: Record<string, string>) => askClassic(edge, parameters);
  const stable = (fields?: object, headers?: Record<string, string>) => askStable(edge, fields, headers);

  describe('with force_refresh', () => {
    const token = heldToken(9, 7_200_000);

    it('report the current token', async () => {
      edge.broker.reportAnswer = () => ({ kind: 'answered', refreshed: true, reason: 'rotated', token });
      expect((await stable({ force_refresh: true })).json()).toEqual({
        access_token: '83_value-9',
        expires_in: 3600,
      });
      expect(edge.broker.reports).toEqual([{ app: 'shop', report: { caller: 'orders', force: false } }]);
      expect(edge.audit.entries).toMatchObject([{ action: 'token.report', reason: 'rotated' }]);
    });

    it('need the scope of a report', async () => {
      expect((await stable({ force_refresh: true, secret: keyOf('reader') })).json()).toMatchObject({
        errcode: 48001,
      });
      expect(edge.broker.reports).toEqual([]);
    });

    it('say when the budget is used up', async () => {
      const spent = {
        kind: 'budget_exhausted',
        detail: 'All 20 used.',
        retryAfterSeconds: 60,
        token,
      } as const;
      edge.broker.reportAnswer = () => spent;
      expect((await stable({ force_refresh: true })).json()).toEqual({
        errcode: 45009,
        errmsg:
          'reach max api daily quota limit, access-token-broker: refresh_budget_exhausted: All 20 used.',
      });
    });
  });

  describe('asked again for the token that the caller has', () => {
    const good = heldToken(2, 7_200_000);

    beforeEach(() => {
      edge.broker.tokens.set('shop-classic', good);
      edge.broker.reportAnswer = () => ({
        kind: 'answered',
        refreshed: false,
        reason: 'still_valid',
        token: good,
      });
    });

    it('have it tried, and hand its successor out', async () => {
      await classic();
      const next = heldToken(3, 7_200_000);
      edge.broker.reportAnswer = () => ({
        kind: 'answered',
        refreshed: true,
        reason: 'rotated',
        token: next,
      });
      expect((await classic()).json()).toMatchObject({ access_token: '83_value-3' });
      expect(edge.broker.reports).toEqual([
        {
          app: 'shop-classic',
          report: { caller: 'orders', force: false, accessToken: '83_value-2', isGuess: true },
        },
      ]);
      expect(edge.audit.entries.map(({ action, reason }) => [action, reason])).toEqual([
        ['token.read', null],
        ['token.report', 'rotated'],
      ]);
    });

    it('believe a caller less and less that keeps nothing, and again when it was quiet', async () => {
      const askFor = async (seconds: number) => {
        const before = edge.broker.reports.length;
        for (let second = 0; second < seconds; second++) {
          edge.clock.nowMs += 1000;
          expect((await classic()).json()).toMatchObject({ access_token: '83_value-2' });
        }
        return edge.broker.reports.length - before;
      };
      expect(await askFor(64)).toBe(9);
      expect(await askFor(600)).toBe(60);
      edge.clock.nowMs += 600_000;
      expect(await askFor(8)).toBe(4);
    });

    it('take nobody else for that caller', async () => {
      await classic();
      await stable();
      await classic({ secret: keyOf('reader') });
      expect(edge.broker.reports).toEqual([]);
    });
  });
});
