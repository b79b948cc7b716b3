import { createCipheriv } from 'node:crypto';
import { ScriptedPlatform } from '../../../../test/support/scripted-platform.js';
import { PlatformApi } from '../../http/platform-api.js';
import { MiniProgramLogin, signatureOfNothing } from './mini-program.login.js';

const APP = { app: 'mini', appId: 'wx4f4bc4dec97d474b', appSecret: '0123456789abcdef0123456789abcdef' };
const OPENID = 'oGZUI0egBJY1zhBYw2KhdUfwVJJE';
const TOKEN = '83_global-token';

/** The worked example of WeChat's page on open data (open-ability/signature). */
const EXAMPLE = {
  appId: 'wx4f4bc4dec97d474b',
  sessionKey: 'tiihtNczf5v6AKRyjwEUhQ==',
  iv: 'r7BXXKkLb8qrSNn05n0qiA==',
  encryptedData:
    'CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+' +
    '3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6' +
    '/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs' +
    '8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns' +
    '/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG' +
    '20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==',
};

describe('MiniProgramLogin', () => {
  let platform: ScriptedPlatform;
  let login: MiniProgramLogin;

  beforeAll(async () => {
    platform = await ScriptedPlatform.start();
    login = new MiniProgramLogin(new PlatformApi(platform.url));
  });
  afterAll(() => {
    platform.close();
  });

  const deadline = () => ({ signal: AbortSignal.timeout(2000), timeoutMs: 2000 });

  describe('an exchange', () => {
    const exchange = () => login.exchange(APP, { code: '0a1Code', redirectUri: null }, deadline());

    it.each([
      ['without errcode', {}],
      ['with errcode 0', { errcode: 0, errmsg: '' }],
    ])('reads openid, unionid and session_key of an answer %s', async (_, more) => {
      const body = JSON.stringify({
        openid: OPENID,
        session_key: EXAMPLE.sessionKey,
        unionid: 'oUnion',
        ...more,
      });
      platform.answerWith(body);
      expect(await exchange()).toEqual({
        kind: 'answered',
        body,
        value: {
          openid: OPENID,
          unionid: 'oUnion',
          scope: [],
          isSnapshot: false,
          sessionKey: EXAMPLE.sessionKey,
        },
      });
      expect(platform.calls).toEqual([
        `GET /sns/jscode2session?appid=${APP.appId}&secret=${APP.appSecret}&js_code=0a1Code&grant_type=authorization_code`,
      ]);
    });

    it.each([
      ['no openid', { session_key: EXAMPLE.sessionKey }],
      ['an empty openid', { openid: '', session_key: EXAMPLE.sessionKey }],
      ['no session_key', { openid: OPENID }],
    ])('is no login with %s', async (_, answer) => {
      platform.answerWith(JSON.stringify(answer));
      expect((await exchange()).kind).toBe('unknown');
    });

    it.each([
      [40164, 'app_misconfigured'],
      [40226, 'user_blocked'],
      [45011, 'rate_limited'],
    ])('refused with %d is %s', async (errcode, meaning) => {
      platform.answerWith(JSON.stringify({ errcode, errmsg: 'x' }));
      expect(await exchange()).toMatchObject({ kind: 'refused', errcode, meaning });
    });
  });

  describe('the check of a session', () => {
    const check = () =>
      login.checkSession(TOKEN, { openid: OPENID, sessionKey: 'o0q0otL8aEzpcZL/FT9WsQ==' }, deadline());

    it('is signed with the text of the session_key, over nothing', async () => {
      const signature = '46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128';
      expect(signatureOfNothing('o0q0otL8aEzpcZL/FT9WsQ==')).toBe(signature);
      platform.answerWith('{"errcode":0,"errmsg":"ok"}');
      expect(await check()).toMatchObject({ kind: 'answered', value: true });
      expect(platform.calls).toEqual([
        `GET /wxa/checksession?access_token=${TOKEN}&openid=${OPENID}&signature=${signature}&sig_method=hmac_sha256`,
      ]);
    });

    it('answers no for a key that was replaced', async () => {
      platform.answerWith('{"errcode":87009,"errmsg":"invalid signature"}');
      expect(await check()).toMatchObject({ kind: 'answered', value: false });
    });

    it.each([40001, 42001])('says with %d that the app needs another token', async (errcode) => {
      platform.answerWith(JSON.stringify({ errcode, errmsg: 'x' }));
      expect(await check()).toMatchObject({ kind: 'refused', meaning: 'token_dead', secretRejected: false });
    });
  });

  describe('the opening of encrypted data', () => {
    it("opens the example of WeChat's page", () => {
      expect(login.decrypt(EXAMPLE)).toMatchObject({
        openId: OPENID,
        nickName: 'Band',
        unionId: 'ocMvos6NjeKLIBqg5Mr9QjxrP1FA',
        watermark: { appid: 'wx4f4bc4dec97d474b', timestamp: 1477314187 },
      });
    });

    const sealed = (text: string) => {
      const [key, iv] = [EXAMPLE.sessionKey, EXAMPLE.iv].map((base64) => Buffer.from(base64, 'base64'));
      if (!key || !iv) throw new Error('both are there');
      const cipher = createCipheriv('aes-128-cbc', key, iv);
      return Buffer.concat([cipher.update(text), cipher.final()]).toString('base64');
    };

    it.each([
      ['data of another app', { appId: 'wx0000000000000000' }],
      ['a session_key that was replaced', { sessionKey: 'o0q0otL8aEzpcZL/FT9WsQ==' }],
      ['a session_key of the wrong length', { sessionKey: 'dGlpaHQ=' }],
      ['another iv', { iv: 'o0q0otL8aEzpcZL/FT9WsQ==' }],
      ['an iv of the wrong length', { iv: 'dGlpaHQ=' }],
      ['data cut short', { encryptedData: EXAMPLE.encryptedData.slice(0, 100) }],
      ['no data', { encryptedData: '' }],
      ['what is no base64', { encryptedData: '$$$' }],
      ['data without a watermark', { encryptedData: sealed('{"openId":"x"}') }],
      ['data that is no object', { encryptedData: sealed('[1]') }],
      ['a watermark that is none', { encryptedData: sealed('{"watermark":null}') }],
    ])('gives nothing for %s', (_, change) => {
      expect(login.decrypt({ ...EXAMPLE, ...change })).toBeNull();
    });
  });

  describe('a phone number', () => {
    const info = {
      phoneNumber: '13580006666',
      purePhoneNumber: '13580006666',
      countryCode: '86',
      watermark: { appid: APP.appId, timestamp: 1 },
    };

    it('is asked for with the code in the body, and the openid where the caller knows it', async () => {
      platform.answerWith(JSON.stringify({ errcode: 0, errmsg: 'ok', phone_info: info }));
      expect(await login.phone(TOKEN, { code: 'c'.repeat(64), openid: OPENID }, deadline())).toMatchObject({
        kind: 'answered',
        value: info,
      });
      await login.phone(TOKEN, { code: 'd' }, deadline());
      const path = `POST /wxa/business/getuserphonenumber?access_token=${TOKEN}`;
      expect(platform.calls).toEqual([
        `${path} {"code":"${'c'.repeat(64)}","openid":"${OPENID}"}`,
        `${path} {"code":"d"}`,
      ]);
    });

    it.each([
      [40029, 'code_invalid'],
      [42001, 'token_dead'],
      [40013, 'app_misconfigured'],
    ])('refused with %d is %s', async (errcode, meaning) => {
      platform.answerWith(JSON.stringify({ errcode, errmsg: 'x' }));
      expect(await login.phone(TOKEN, { code: 'd' }, deadline())).toMatchObject({ kind: 'refused', meaning });
    });

    it('is none without phone_info', async () => {
      platform.answerWith('{"errcode":0,"errmsg":"ok"}');
      expect((await login.phone(TOKEN, { code: 'd' }, deadline())).kind).toBe('unknown');
    });
  });
});
