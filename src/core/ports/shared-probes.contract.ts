import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import type { ProbeAttempt, ProbeClaim, SharedProbes } from './shared-probes.js';

/** One implementation under test. */
export interface ProbesUnderTest {
  readonly here: SharedProbes;
  /** Of another replica. */
  readonly there: SharedProbes;
  /** Lets this much time go by. */
  elapse(ms: number): Promise<void>;
}

const CLAIM_MS = 300;
const KEPT_MS = 300;
const TOKEN = { app: SHOP, value: 'token-17', since: 17 };

/** What reports rely on, and no more. */
export function describeSharedProbes(name: string, create: () => Promise<ProbesUnderTest>): void {
  describe(`${name} as shared probes`, () => {
    let harness: ProbesUnderTest;
    beforeEach(async () => {
      harness = await create();
    });
    const claim = (token = TOKEN): Promise<ProbeClaim> => harness.there.claim(token, CLAIM_MS);
    const ours = async (): Promise<ProbeAttempt> => {
      const claimed = await harness.here.claim(TOKEN, CLAIM_MS);
      if (claimed.kind !== 'ours') throw new Error(claimed.kind);
      return claimed.attempt;
    };

    it('give an attempt to one of many who ask at once, and the others its id', async () => {
      const claims = await Promise.all(Array.from({ length: 20 }, () => claim()));
      const [winner, ...more] = claims.flatMap((one) => (one.kind === 'ours' ? [one.attempt] : []));
      expect(more).toEqual([]);
      expect(claims.filter(({ kind }) => kind === 'theirs')).toEqual(
        Array.from({ length: 19 }, () => ({ kind: 'theirs', id: winner?.id, isRefused: false })),
      );
    });

    it('are of one token of one app', async () => {
      await ours();
      expect(await claim({ ...TOKEN, value: 'token-18', since: 18 })).toMatchObject({ kind: 'ours' });
      for (const app of [appNamed('other'), appNamed('shop', { appId: 'wx2' })]) {
        expect(await claim({ ...TOKEN, app })).toMatchObject({ kind: 'ours' });
      }
    });

    it('tell the others for a while that it was refused', async () => {
      const attempt = await ours();
      await harness.here.finish(attempt, true, KEPT_MS);
      expect(await claim()).toEqual({ kind: 'theirs', id: attempt.id, isRefused: true });
      await harness.elapse(KEPT_MS + 50);
      expect(await claim()).toMatchObject({ kind: 'ours' });
    });

    it('give the attempt to the next one when the platform refused nothing, or whoever asked has died', async () => {
      await harness.here.finish(await ours(), false, KEPT_MS);
      const attempt = await ours();
      await harness.elapse(CLAIM_MS + 50);
      const claimed = await claim();
      expect(claimed).toMatchObject({ kind: 'ours' });
      expect(claimed.kind === 'ours' && claimed.attempt.id).not.toBe(attempt.id);
    });

    it('are not changed by somebody whose claim is over', async () => {
      const late = await ours();
      await harness.elapse(CLAIM_MS + 50);
      await harness.here.finish(late, true, KEPT_MS);
      const attempt = await ours();
      await harness.here.finish(late, true, KEPT_MS);
      await harness.here.finish(late, false, KEPT_MS);
      expect(await claim()).toEqual({ kind: 'theirs', id: attempt.id, isRefused: false });
    });
  });
}
