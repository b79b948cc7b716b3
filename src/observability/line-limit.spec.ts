import { ManualClock } from '../../test/support/manual-clock.js';
import { LimitEpisodes, type EndedEpisode } from './line-limit.js';

describe('LimitEpisodes', () => {
  let clock: ManualClock;
  let episodes: LimitEpisodes;
  let ended: EndedEpisode[];

  beforeEach(() => {
    clock = new ManualClock();
    episodes = new LimitEpisodes(clock);
    ended = [];
  });
  const refused = (kind: string) => episodes.refused(kind, (episode) => ended.push(episode));

  it('begins with the first refusal, and ends a minute after the last', async () => {
    expect(refused('rate a')).toBe(true);
    for (let i = 0; i < 3; i += 1) {
      await clock.advance(40_000);
      expect(refused('rate a')).toBe(false);
    }
    await clock.advance(59_999);
    expect(ended).toEqual([]);
    await clock.advance(1);
    expect(ended).toEqual([{ refused: 4, lastedMs: 120_000 }]);
    expect(refused('rate a')).toBe(true);
  });

  it('keeps those of others apart', async () => {
    refused('rate a');
    await clock.advance(30_000);
    expect(refused('rate b')).toBe(true);
    await clock.advance(30_000);
    expect(ended).toEqual([{ refused: 1, lastedMs: 0 }]);
    expect(refused('rate b')).toBe(false);
  });

  it('remembers 100 at a time, whoever comes, and has room again when they end', async () => {
    for (let i = 0; i < 100; i += 1) expect(refused(`bad_keys ${i}`)).toBe(true);
    expect(refused('bad_keys one more')).toBe(false);
    await clock.advance(60_000);
    expect(ended).toHaveLength(100);
    expect(refused('bad_keys one more')).toBe(true);
  });
});
