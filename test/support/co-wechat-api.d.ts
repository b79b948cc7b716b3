/** The part that the tests use of the package, which has no types of its own. */
declare module 'co-wechat-api' {
  interface StoredToken {
    readonly accessToken: string;
    /** Epoch ms. */
    readonly expireTime: number;
  }

  class WechatApi {
    /** With `tokenFromCustom` it never fetches a token by itself, and throws where it otherwise would. */
    constructor(
      appid: string,
      appsecret: string,
      getToken: () => Promise<StoredToken | null>,
      saveToken: (token: StoredToken | null) => Promise<void>,
      tokenFromCustom: boolean,
    );
    prefix: string;
    getIp(): Promise<{ readonly ip_list: readonly string[] }>;
    getUser(openid: string): Promise<{ readonly openid: string }>;
  }

  export = WechatApi;
}
