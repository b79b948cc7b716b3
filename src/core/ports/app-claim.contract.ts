import type { AppClaim, ClaimedApp } from './app-claim.js';

/** One implementation under test: two brokers over the same store. */
export interface ClaimsUnderTest {
  readonly here: AppClaim;
  /** Another replica of the broker `here`. */
  readonly sibling: AppClaim;
  /** Another broker, with a key prefix of its own. */
  readonly there: AppClaim;
  /** How `here` calls itself when it holds the app `shop`. */
  readonly holder: string;
  /** Lets this much time go by. */
  elapse(ms: number): Promise<void>;
}

const CLAIM_MS = 30_000;
const SHOP: ClaimedApp = {
  name: 'shop',
  provider: 'fake',
  host: 'api.example.com',
  appId: 'wx0123456789abcdef',
};

/** What the refresh protocol relies on, and no more. */
export function describeAppClaim(name: string, create: () => Promise<ClaimsUnderTest>): void {
  describe(`${name} as an app claim`, () => {
    let harness: ClaimsUnderTest;
    beforeEach(async () => {
      harness = await create();
    });
    const claim = async (
      by: 'here' | 'sibling' | 'there',
      changes: Partial<ClaimedApp> = {},
      force = false,
    ): Promise<string> => {
      const answer = await harness[by].claim({ ...SHOP, ...changes }, CLAIM_MS, { force });
      return answer.kind === 'theirs' ? `theirs: ${answer.holder}` : answer.kind;
    };

    it('is held by one broker, with all of its replicas, and says by which', async () => {
      expect(await claim('here')).toBe('ours');
      expect(await claim('sibling')).toBe('ours');
      expect(await claim('there')).toBe(`theirs: ${harness.holder}`);
      expect(await claim('here')).toBe('ours');
    });

    it('tells a broker by the name of the app as well as by its key prefix', async () => {
      await claim('here');
      expect(await claim('here', { name: 'other' })).toBe(`theirs: ${harness.holder}`);
    });

    it('is of one AppID at one host of one platform', async () => {
      await claim('here');
      expect(await claim('there', { appId: 'wxfedcba9876543210' })).toBe('ours');
      expect(await claim('there', { host: 'api.example.com:8443' })).toBe('ours');
      expect(await claim('there', { provider: 'another' })).toBe('ours');
    });

    it('goes to another broker when it has run out, but not while it is renewed', async () => {
      await claim('here');
      await harness.elapse(CLAIM_MS * 0.7);
      await claim('sibling');
      await harness.elapse(CLAIM_MS * 0.7);
      expect(await claim('there')).toBe(`theirs: ${harness.holder}`);
      await harness.elapse(CLAIM_MS * 1.2);
      expect(await claim('there')).toBe('ours');
      expect(await claim('here')).toMatch('theirs: ');
    });

    it('is taken away by force, for good', async () => {
      await claim('here');
      expect(await claim('there', {}, true)).toBe('ours');
      expect(await claim('there')).toBe('ours');
      expect(await claim('here')).toMatch('theirs: ');
    });

    it('is of each app by itself when many are claimed at once', async () => {
      const names = Array.from({ length: 1000 }, (_, index) => `shop-${String(index)}`);
      const claimAll = (by: 'here' | 'there'): Promise<string[]> =>
        Promise.all(names.map((name) => claim(by, { name, appId: name })));
      expect(await claim('there', { name: 'shop-7', appId: 'shop-7' })).toBe('ours');
      const answers = await claimAll('here');
      expect(answers.filter((answer) => answer === 'ours')).toHaveLength(999);
      expect(answers[7]).toMatch('theirs: ');
      const others = await claimAll('there');
      expect(others[7]).toBe('ours');
      expect(others[8]).toBe(`theirs: ${harness.holder.replace('shop', 'shop-8')}`);
    });

    it('is given to one of many brokers that ask at once', async () => {
      const names = Array.from({ length: 20 }, (_, index) => `shop-${String(index)}`);
      const answers = await Promise.all(names.map((name) => claim('here', { name })));
      expect(answers.filter((answer) => answer === 'ours')).toHaveLength(1);
    });
  });
}
