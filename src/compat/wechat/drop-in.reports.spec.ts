import { keyOf, type Edge } from '../../../test/support/create-edge.js';
import { askClassic, askStable, createDropInEdge } from '../../../test/support/drop-in-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';

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

  describe('asked for a token that was there before', () => {
    const good = heldToken(2, 7_200_000);
    const next = heldToken(3, 7_200_000);

    it('have it tried, and hand it out again if it lives', async () => {
      expect((await classic()).json()).toEqual({ access_token: '83_value-2', expires_in: 3600 });
      expect(edge.broker.reports).toEqual([
        {
          app: 'shop-classic',
          report: { caller: 'orders', force: false, accessToken: '83_value-2', isGuess: true },
        },
      ]);
      expect(edge.audit.entries).toMatchObject([{ action: 'token.read', reason: null }]);
    });

    it('have it tried, and hand its successor out if it died, whoever was given the token', async () => {
      edge.broker.guessAnswer = () => ({
        kind: 'answered',
        refreshed: true,
        reason: 'rotated',
        token: next,
      });
      expect((await classic({ secret: keyOf('reader') })).json()).toMatchObject({
        access_token: '83_value-3',
      });
      expect(edge.audit.entries).toMatchObject([{ action: 'token.report', reason: 'rotated' }]);
    });

    it('have a token kept no longer than until its death would be heard', async () => {
      const answer = {
        kind: 'answered',
        refreshed: false,
        reason: 'recently_rotated',
        token: good,
        heardInMs: 12_345,
      } as const;
      edge.broker.guessAnswer = () => answer;
      edge.broker.reportAnswer = () => answer;
      expect((await classic()).json()).toEqual({ access_token: '83_value-2', expires_in: 12 });
      expect((await stable({ force_refresh: true })).json()).toMatchObject({ expires_in: 12 });
      expect(edge.audit.entries).toMatchObject([
        { action: 'token.report', reason: 'recently_rotated' },
        { action: 'token.report', reason: 'recently_rotated' },
      ]);
    });

    it('wait for the first one without trying it', async () => {
      edge.broker.tokens.delete('shop-classic');
      edge.broker.currentAnswer = () => good;
      expect((await classic()).json()).toMatchObject({ access_token: '83_value-2' });
      expect(edge.broker.reports).toEqual([]);
    });
  });
});
