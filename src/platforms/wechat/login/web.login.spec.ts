import { inspect } from 'node:util';
import { ScriptedPlatform } from '../../../../test/support/scripted-platform.js';
import { PlatformApi } from '../../http/platform-api.js';
import { WebLogin } from './web.login.js';

const APP = { app: 'shop', appId: 'wx0123456789abcdef', appSecret: '0123456789abcdef0123456789abcdef' };
const CODE = '061AbC2w3DeF4g5HiJ6k7LmN8o9PqR0S';
const OPENID = 'oGZUI0egBJY1zhBYw2KhdUfwVJJE';
const RID = 'rid: 652114d6-1f2e3d4c-5b6a7988';
const GRANTED = {
  access_token: 'USER-TOKEN_1',
  expires_in: 7200,
  refresh_token: 'REFRESH-TOKEN_1',
  openid: OPENID,
  scope: 'snsapi_userinfo',
};
const USER = { accessToken: 'USER-TOKEN_1', openid: OPENID };

describe('WebLogin', () => {
  let platform: ScriptedPlatform;
  let login: WebLogin;

  beforeAll(async () => {
    platform = await ScriptedPlatform.start();
    login = webLogin('official_account');
  });
  afterAll(() => {
    platform.close();
  });

  const webLogin = (appType: 'official_account' | 'website') =>
    new WebLogin({
      appType,
      api: new PlatformApi(platform.url),
      authorizeBaseUrl: 'https://open.weixin.qq.com',
    });
  const deadline = (timeoutMs = 2000) => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs });
  const exchange = (timeoutMs?: number) =>
    login.exchange(APP, { code: CODE, redirectUri: 'https://shop.example/back' }, deadline(timeoutMs));
  const refusal = (errcode: number, errmsg: string) => JSON.stringify({ errcode, errmsg });

  describe('the address of the authorize page', () => {
    const request = {
      appId: APP.appId,
      redirectUri: 'https://shop.example/back?a=1&b=ü',
      state: 'Ab1',
      forcePopup: false,
    };

    it("has the parameters in WeChat's order, and #wechat_redirect at its end", () => {
      expect(login.authorizeUrl({ ...request, scope: 'snsapi_base' })).toBe(
        'https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx0123456789abcdef' +
          '&redirect_uri=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1%26b%3D%C3%BC' +
          '&response_type=code&scope=snsapi_base&state=Ab1#wechat_redirect',
      );
    });

    it('asks for the consent page behind the state, before the fragment', () => {
      const url = login.authorizeUrl({ ...request, scope: 'snsapi_userinfo', forcePopup: true });
      expect(url).toMatch(/&state=Ab1&forcePopup=true#wechat_redirect$/);
    });

    it('is that of the QR code for a website', () => {
      const website = webLogin('website');
      expect(website.defaultScope).toBe('snsapi_login');
      expect(website.authorizeUrl({ ...request, scope: 'snsapi_login' })).toMatch(
        /^https:\/\/open\.weixin\.qq\.com\/connect\/qrconnect\?appid=.*&scope=snsapi_login&state=Ab1#wechat_redirect$/,
      );
    });
  });

  describe('an exchange', () => {
    it('sends the code with the AppSecret, once, and reads who the user is', async () => {
      const body = JSON.stringify({ ...GRANTED, unionid: 'o6_bmasdasdsad6_2sgVt7hMZOPfL', later_field: 1 });
      platform.answerWith(body);
      expect(await exchange()).toEqual({
        kind: 'answered',
        body,
        value: {
          openid: OPENID,
          unionid: 'o6_bmasdasdsad6_2sgVt7hMZOPfL',
          scope: ['snsapi_userinfo'],
          isSnapshot: false,
          tokens: {
            accessToken: 'USER-TOKEN_1',
            expiresInSeconds: 7200,
            refreshToken: 'REFRESH-TOKEN_1',
            refreshExpiresInSeconds: 2_592_000,
          },
        },
      });
      expect(platform.calls).toEqual([
        `GET /sns/oauth2/access_token?appid=${APP.appId}&secret=${APP.appSecret}&code=${CODE}&grant_type=authorization_code`,
      ]);
    });

    it.each([
      ['snsapi_userinfo,', ['snsapi_userinfo']],
      ['snsapi_base,snsapi_userinfo,', ['snsapi_base', 'snsapi_userinfo']],
      ['', []],
      [undefined, []],
    ])('reads the scope %j', async (scope, expected) => {
      platform.answerWith(JSON.stringify({ ...GRANTED, scope }));
      expect(await exchange()).toMatchObject({ value: { scope: expected } });
    });

    it.each([1, '1'])('knows a snapshot user by is_snapshotuser %j', async (flag) => {
      platform.answerWith(JSON.stringify({ ...GRANTED, is_snapshotuser: flag }));
      expect(await exchange()).toMatchObject({ value: { isSnapshot: true } });
    });

    it.each([
      ['no openid', { ...GRANTED, openid: undefined }],
      ['an empty openid', { ...GRANTED, openid: '' }],
      ['an openid that is no text', { ...GRANTED, openid: 5 }],
      ['no access_token', { ...GRANTED, access_token: undefined }],
      ['no expires_in', { ...GRANTED, expires_in: 'soon' }],
      ['an errcode that is a word', { ...GRANTED, errcode: 'bad' }],
    ])('is no login with %s, and its code counts as spent', async (_, answer) => {
      platform.answerWith(JSON.stringify(answer));
      expect((await exchange()).kind).toBe('unknown');
    });

    it.each([
      [40029, 'invalid code', 'code_invalid'],
      [40163, 'code been used', 'code_used'],
      [42003, 'code expired', 'code_expired'],
      [-1, 'system error', 'outcome_unknown'],
      [40226, 'code blocked', 'user_blocked'],
      [48001, 'api unauthorized', 'scope_missing'],
      [45011, 'api minute-quota reach limit, must slower, retry next minute', 'rate_limited'],
      [40013, 'invalid appid', 'app_misconfigured'],
      [40125, 'invalid appsecret', 'app_misconfigured'],
      [40001, 'invalid credential', 'app_misconfigured'],
      [89503, 'this call needs confirmation by the admin', 'app_misconfigured'],
    ])('refused with %d %s is %s', async (errcode, errmsg, meaning) => {
      platform.answerWith(refusal(errcode, `${errmsg}, ${RID}`));
      expect(await exchange()).toMatchObject({
        kind: 'refused',
        errcode,
        message: `${errmsg}, ${RID}`,
        meaning,
        secretRejected: errcode === 40125 || errcode === 40001,
        remedy: expect.stringMatching(/\.$/),
      });
    });

    it('says nothing of a refusal whose text quotes the request', async () => {
      platform.answerWith(refusal(40029, `invalid code ${CODE}`));
      expect(await exchange()).toMatchObject({ kind: 'refused', message: '' });
    });

    it.each([
      ['HTTP 502', { status: 502, body: JSON.stringify(GRANTED) }],
      ['HTTP 404', { status: 404, body: refusal(40029, 'invalid code') }],
      ['a reset', 'reset'],
      ['silence', 'silence'],
      ['a web page', '<html></html>'],
      ['half an answer', '{"access_token":"USER-TO'],
    ])('has an unknown outcome after %s', async (_, script) => {
      platform.answerWith(script);
      const outcome = await exchange(300);
      expect(outcome.kind).toBe('unknown');
      expect(platform.calls).toHaveLength(1);
      expect(inspect(outcome, { depth: 9, showHidden: true })).not.toMatch(
        /061AbC|0123456789abcdef0|USER-TO/,
      );
    });

    it('was not sent where there is no connection', async () => {
      const nowhere = new WebLogin({
        appType: 'official_account',
        api: new PlatformApi('http://127.0.0.1:1'),
        authorizeBaseUrl: '',
      });
      const outcome = await nowhere.exchange(APP, { code: CODE, redirectUri: null }, deadline());
      expect(outcome.kind).toBe('not_sent');
    });
  });

  describe('a refresh', () => {
    it('sends no AppSecret, and does not prolong the refresh token', async () => {
      platform.answerWith(JSON.stringify({ ...GRANTED, access_token: 'USER-TOKEN_2' }));
      expect(await login.refresh(APP, 'REFRESH-TOKEN_1', deadline())).toMatchObject({
        kind: 'answered',
        value: { accessToken: 'USER-TOKEN_2', expiresInSeconds: 7200, refreshToken: 'REFRESH-TOKEN_1' },
      });
      expect(platform.calls).toEqual([
        `GET /sns/oauth2/refresh_token?appid=${APP.appId}&grant_type=refresh_token&refresh_token=REFRESH-TOKEN_1`,
      ]);
    });

    it.each([40030, 42002, 42007, 40029])(
      'refused with %d needs the user to log in again',
      async (errcode) => {
        platform.answerWith(refusal(errcode, `invalid refresh_token, ${RID}`));
        expect(await login.refresh(APP, 'REFRESH-TOKEN_1', deadline())).toMatchObject({
          kind: 'refused',
          meaning: 'reauthorize_required',
          secretRejected: false,
        });
      },
    );
  });

  describe("a user's profile", () => {
    const profile = (lang?: string) =>
      login.profile(APP.appId, { ...USER, ...(lang === undefined ? {} : { lang }) }, deadline());

    it('is UTF-8 in spite of text/plain, with emoji and the fields that nobody knows', async () => {
      const user = { openid: OPENID, nickname: '张三 🐼', sex: 0, privilege: [], language: 'zh_CN' };
      platform.answerWith(JSON.stringify(user));
      expect(await profile('en')).toMatchObject({ kind: 'answered', value: user });
      expect(platform.calls).toEqual([
        `GET /sns/userinfo?access_token=USER-TOKEN_1&openid=${OPENID}&lang=en`,
      ]);
    });

    it('is none of another user, and none without an openid', async () => {
      platform.answerWith('{"openid":"o-other","nickname":"x"}', '{"nickname":"x"}');
      expect((await profile()).kind).toBe('unknown');
      expect((await profile()).kind).toBe('unknown');
    });

    it.each([
      [48001, 'api unauthorized', 'scope_missing'],
      [40001, 'invalid credential, access_token is invalid or not latest', 'token_dead'],
      [42001, 'access_token expired', 'token_dead'],
      [40003, 'invalid openid', 'data_invalid'],
    ])('refused with %d %s is %s', async (errcode, errmsg, meaning) => {
      platform.answerWith(refusal(errcode, `${errmsg}, ${RID}`));
      expect(await profile()).toMatchObject({ kind: 'refused', meaning, secretRejected: false });
    });
  });

  it("asks whether a user's token still works", async () => {
    platform.answerWith('{"errcode":0,"errmsg":"ok"}', refusal(40003, `invalid openid, ${RID}`));
    expect((await login.checkToken(USER, deadline())).kind).toBe('answered');
    expect(await login.checkToken(USER, deadline())).toMatchObject({ kind: 'refused', errcode: 40003 });
    expect(platform.calls[0]).toBe(`GET /sns/auth?access_token=USER-TOKEN_1&openid=${OPENID}`);
  });
});
