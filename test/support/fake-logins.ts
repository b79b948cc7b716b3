import type { DropInAnswer, DropInLogin } from '../../src/core/login/drop-in-login.js';
import type { LoginService } from '../../src/core/login/login-service.js';

type Asked<S> = { [M in keyof S as S[M] extends (...args: never[]) => Promise<unknown> ? M : never]: S[M] };
type Calls = Omit<Asked<LoginService>, 'flush'>;
type DropInCalls = Asked<DropInLogin>;
type Answers = { [M in keyof Calls]: () => Awaited<ReturnType<Calls[M]>> };

export const OPENID = 'oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A';
export const SESSION = `tbs_${'s'.repeat(52)}`;

const user = {
  openid: OPENID,
  scope: ['snsapi_base'],
  snapshot: false,
  session: SESSION,
  expiresInSeconds: 2_592_000,
};

/** The logins as the HTTP edge sees them: answers what it was told to, and remembers what it was asked. */
export class FakeLogins implements Calls {
  readonly asked: { readonly method: string; readonly request: object }[] = [];
  answers: Answers = {
    authorizeUrl: () => ({
      url: 'https://open.weixin.qq.com/connect/oauth2/authorize?appid=wx1#wechat_redirect',
      state: 'S'.repeat(43),
      binding: 'B'.repeat(43),
      expiresInSeconds: 600,
      fields: {
        appid: 'wx1',
        redirect_uri: 'https://a.example',
        scope: 'snsapi_base',
        state: 'S'.repeat(43),
      },
    }),
    exchange: () => user,
    exchangeJsCode: () => user,
    redeem: () => user,
    profile: () => ({ openid: OPENID, nickname: '小明' }),
    tokens: () => ({
      accessToken: 'canary-of-the-user-token',
      refreshToken: 'canary-of-the-refresh-token',
      expiresInSeconds: 7200,
      openid: OPENID,
      scope: ['snsapi_userinfo'],
    }),
    checkSession: () => true,
    decrypt: () => ({ openId: OPENID }),
    sessionKey: () => 'canary-of-the-session-key',
    logout: () => undefined,
    phone: () => ({ phoneNumber: '13580006666' }),
    users: () => ({ users: [{ openid: OPENID }], unknown: [] }),
    callback: () => ({ redirectTo: 'https://shop.example/back?ticket=tbt_1' }),
  };
  /** To whatever an SDK asks about this app; of a user's token it is `''`. */
  dropInAnswer: (app: string, kind?: string) => DropInAnswer = () => ({
    kind: 'body',
    body: `{"openid":"${OPENID}"}`,
  });

  readonly authorizeUrl = this.call('authorizeUrl');
  readonly exchange = this.call('exchange');
  readonly exchangeJsCode = this.call('exchangeJsCode');
  readonly redeem = this.call('redeem');
  readonly profile = this.call('profile');
  readonly tokens = this.call('tokens');
  readonly checkSession = this.call('checkSession');
  readonly decrypt = this.call('decrypt');
  readonly sessionKey = this.call('sessionKey');
  readonly logout = this.call('logout');
  readonly phone = this.call('phone');
  readonly callback = this.call('callback');
  readonly users = this.call('users');
  readonly dropIn: DropInCalls = {
    exchange: this.dropInCall('dropIn.exchange'),
    refresh: this.dropInCall('dropIn.refresh'),
    userinfo: this.dropInCall('dropIn.userinfo'),
    auth: this.dropInCall('dropIn.auth'),
  };

  private call<M extends keyof Calls>(method: M) {
    return async (asked: Parameters<Calls[M]>[0]): Promise<ReturnType<Answers[M]>> => {
      const { found, ...request } = asked as { found?: (about: object) => void };
      this.asked.push({ method, request });
      found?.({ app: 'shop', openid: OPENID });
      return Promise.resolve().then(() => this.answers[method]() as ReturnType<Answers[M]>);
    };
  }

  private dropInCall(method: string) {
    return (request: object): Promise<DropInAnswer> => {
      const { app = '', kind } = request as { app?: string; kind?: string };
      this.asked.push({ method, request });
      return Promise.resolve().then(() => this.dropInAnswer(app, kind));
    };
  }
}
