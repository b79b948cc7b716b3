import { inspect } from 'node:util';
import { ScriptedPlatform, type Script } from '../../../test/support/scripted-platform.js';
import { PlatformApi } from '../http/platform-api.js';
import { QqLogin } from './qq.login.js';

const APP = { app: 'fans', appId: '101234567', appSecret: 'c0ffee00c0ffee00c0ffee00c0ffee00' };
const BACK = 'https://shop.example/qq/back';
const OPENID = '1704D5C9C1C2E6E6A9A5A6D7E8F90123';
const TOKEN = 'FE04A1B2C3D4E5F60718293A4B5C6D7E';
const REFRESH = '88E4F5061728394A5B6C7D8E9FA0B1C2';

const FORM = `access_token=${TOKEN}&expires_in=7776000&refresh_token=${REFRESH}`;
const ME = `callback( {"client_id":"${APP.appId}","openid":"${OPENID}"} );\n`;
const refusedAs = (error: number) =>
  `callback( {"error":${String(error)},"error_description":"code to access token error"} );\n`;

describe('QqLogin', () => {
  let platform: ScriptedPlatform;
  let login: QqLogin;

  beforeAll(async () => {
    platform = await ScriptedPlatform.start();
    login = new QqLogin({ api: new PlatformApi(platform.url), authorizeBaseUrl: 'https://graph.qq.com' });
  });
  afterAll(() => {
    platform.close();
  });

  const deadline = () => ({ signal: AbortSignal.timeout(2000), timeoutMs: 2000 });
  const exchange = () => login.exchange(APP, { code: '9A5F00', redirectUri: BACK }, deadline());

  it('sends users to the authorize page of QQ Connect', () => {
    const request = {
      appId: APP.appId,
      redirectUri: BACK,
      state: 'Ab1',
      scope: 'get_user_info',
      forcePopup: true,
    };
    expect(login.authorizeUrl(request)).toBe(
      'https://graph.qq.com/oauth2.0/authorize?response_type=code&client_id=101234567' +
        '&redirect_uri=https%3A%2F%2Fshop.example%2Fqq%2Fback&state=Ab1&scope=get_user_info',
    );
  });

  describe('an exchange', () => {
    it.each([
      ['a form', FORM],
      ['JSON', JSON.stringify({ access_token: TOKEN, expires_in: 7776000, refresh_token: REFRESH })],
      [
        'JSON with a number as text',
        JSON.stringify({ access_token: TOKEN, expires_in: '7776000', refresh_token: REFRESH }),
      ],
    ])('reads the token out of %s, and asks whose it is', async (_, tokens) => {
      platform.answerWith(tokens, { type: 'text/html', body: ME.replace('}', ',"unionid":"UID_1"}') });
      expect(await exchange()).toMatchObject({
        kind: 'answered',
        value: {
          openid: OPENID,
          unionid: 'UID_1',
          scope: [],
          isSnapshot: false,
          tokens: {
            accessToken: TOKEN,
            expiresInSeconds: 7_776_000,
            refreshToken: REFRESH,
            refreshExpiresInSeconds: 7_776_000,
          },
        },
      });
      expect(platform.calls).toEqual([
        `GET /oauth2.0/token?grant_type=authorization_code&client_id=${APP.appId}&client_secret=${APP.appSecret}&code=9A5F00&redirect_uri=https%3A%2F%2Fshop.example%2Fqq%2Fback&fmt=json`,
        `GET /oauth2.0/me?access_token=${TOKEN}&unionid=1&fmt=json`,
      ]);
    });

    it('does without a unionid where the app was not granted it', async () => {
      platform.answerWith(FORM, refusedAs(100048), ME);
      const outcome = await exchange();
      expect(outcome).toMatchObject({ kind: 'answered', value: { openid: OPENID } });
      expect(outcome).not.toHaveProperty('value.unionid');
      expect(platform.calls[2]).toBe(`GET /oauth2.0/me?access_token=${TOKEN}&fmt=json`);
    });

    it.each([
      [100019, 'code_invalid'],
      [100020, 'code_used'],
      [100008, 'app_misconfigured'],
      [100009, 'app_misconfigured'],
      [100010, 'app_misconfigured'],
      [123456, 'other'],
    ])('refused with %d is %s', async (error, meaning) => {
      platform.answerWith(refusedAs(error));
      expect(await exchange()).toMatchObject({
        kind: 'refused',
        errcode: error,
        message: '',
        meaning,
        secretRejected: error === 100009,
        remedy: expect.stringMatching(/\.$/),
      });
      expect(platform.calls).toHaveLength(1);
    });

    it('reads an error that comes as bare JSON, or with digits as text', async () => {
      platform.answerWith('{"error":100020,"error_description":"x"}', 'error=100020&error_description=x');
      expect(await exchange()).toMatchObject({ kind: 'refused', errcode: 100020 });
      expect(await exchange()).toMatchObject({ kind: 'refused', errcode: 100020 });
    });

    it.each<[string, ...Script[]]>([
      ['a token for nobody', FORM, `callback( {"client_id":"${APP.appId}"} );`],
      ['a token of another app', FORM, ME.replace(APP.appId, '109999999')],
      ['a token that dies at once', FORM, refusedAs(100016)],
      ['silence about the user', FORM, 'reset'],
      ['an answer without a token', 'expires_in=5'],
      ['a life that is none', `access_token=${TOKEN}&expires_in=soon`],
      ['a web page', '<html></html>'],
      ['a bad gateway', { status: 502, body: FORM }],
      ['a reset', 'reset'],
    ])('has an unknown outcome after %s', async (_, ...scripts) => {
      platform.answerWith(...scripts);
      const outcome = await exchange();
      expect(outcome.kind).toBe('unknown');
      expect(inspect(outcome, { depth: 9, showHidden: true })).not.toMatch(/FE04A1|c0ffee|9A5F00/);
    });
  });

  describe('a refresh', () => {
    it('brings the next refresh token, which lives as long as the token', async () => {
      platform.answerWith(FORM.replace(REFRESH, 'NEXT'));
      expect(await login.refresh(APP, REFRESH, deadline())).toMatchObject({
        kind: 'answered',
        value: { refreshToken: 'NEXT', refreshExpiresInSeconds: 7_776_000 },
      });
      expect(platform.calls[0]).toContain(`client_secret=${APP.appSecret}&refresh_token=${REFRESH}`);
    });

    it('that was used before needs the user to log in again', async () => {
      platform.answerWith(refusedAs(100021));
      expect(await login.refresh(APP, REFRESH, deadline())).toMatchObject({
        meaning: 'reauthorize_required',
      });
    });
  });

  describe("a user's profile", () => {
    const profile = () => login.profile(APP.appId, { accessToken: TOKEN, openid: OPENID }, deadline());

    it('has all that QQ says', async () => {
      const user = { ret: 0, msg: '', nickname: '小明', figureurl_qq_1: 'http://q.example/40', gender: '男' };
      platform.answerWith({ type: 'text/html', body: JSON.stringify(user) });
      expect(await profile()).toMatchObject({ kind: 'answered', value: user });
      expect(platform.calls).toEqual([
        `GET /user/get_user_info?access_token=${TOKEN}&oauth_consumer_key=${APP.appId}&openid=${OPENID}`,
      ]);
    });

    it.each([
      [100030, 'scope_missing'],
      [100013, 'reauthorize_required'],
      [100014, 'reauthorize_required'],
      [-1, 'other'],
    ])('refused with ret %d is %s', async (ret, meaning) => {
      platform.answerWith(JSON.stringify({ ret, msg: 'x' }));
      expect(await profile()).toMatchObject({ kind: 'refused', errcode: ret, meaning });
    });
  });
});
