import { ScriptedPlatform } from '../../../../test/support/scripted-platform.js';
import { PlatformApi } from '../../http/platform-api.js';
import { fetchUsers } from './web.login.js';

describe('fetchUsers', () => {
  let platform: ScriptedPlatform;
  beforeAll(async () => {
    platform = await ScriptedPlatform.start();
  });
  afterAll(() => {
    platform.close();
  });

  const fetchThem = (...openids: string[]) =>
    fetchUsers(
      new PlatformApi(platform.url),
      '83_token',
      { openids },
      { signal: AbortSignal.timeout(2000), timeoutMs: 2000 },
    );

  it('asks for one user with GET', async () => {
    platform.answerWith('{"subscribe":1,"openid":"o1","unionid":"u1"}');
    expect(await fetchThem('o1')).toMatchObject({ value: [{ openid: 'o1', unionid: 'u1', subscribe: 1 }] });
    expect(platform.calls).toEqual(['GET /cgi-bin/user/info?access_token=83_token&openid=o1&lang=zh_CN']);
  });

  it('asks for several at once, and gives them in the order in which they were asked for', async () => {
    platform.answerWith('{"user_info_list":[{"openid":"o2"},{"openid":"o1"}]}');
    expect(await fetchThem('o1', 'o2')).toMatchObject({ value: [{ openid: 'o1' }, { openid: 'o2' }] });
    expect(platform.calls).toEqual([
      'POST /cgi-bin/user/info/batchget?access_token=83_token {"user_list":[{"openid":"o1","lang":"zh_CN"},{"openid":"o2","lang":"zh_CN"}]}',
    ]);
  });

  it.each([['{"user_info_list":[{"openid":"o1"}]}'], ['{"user_info_list":5}'], ['{}']])(
    'does not take %s for an answer about two users',
    async (body) => {
      platform.answerWith(body);
      expect((await fetchThem('o1', 'o2')).kind).toBe('unknown');
    },
  );
});
