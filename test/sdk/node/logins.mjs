import { createInterface } from 'node:readline';
import { say } from './serve.mjs';

const { BROKER_URL: brokerUrl, WEB_APP_ID, MINI_APP_ID, REDIRECT_URI: redirectUri } = process.env;

const commands = {
  async web(apiKey, code) {
    const appId = WEB_APP_ID;
    // docs:begin node-easywechat-web
    const { OfficialAccount } = await import('node-easywechat');

    const oauth = new OfficialAccount({
      app_id: appId,
      secret: apiKey,
      oauth: { redirect_url: redirectUri },
    }).getOAuth();
    oauth._baseUrl = `${brokerUrl}/sns`;
    const user = await oauth.userFromCode(code);
    // docs:end
    return { openid: user.getId(), nickname: user.getNickname(), valid: true };
  },
  async mini(apiKey, code) {
    const appId = MINI_APP_ID;
    // docs:begin node-easywechat-mini
    const { MiniApp } = await import('node-easywechat');

    const logins = new MiniApp({ app_id: appId, secret: apiKey, http: { baseURL: brokerUrl } });
    const { openid, session_key } = await logins.getUtils().codeToSession(code);
    // docs:end
    return { openid, session_key };
  },
  async coWechat(apiKey, code) {
    const appId = MINI_APP_ID;
    // docs:begin co-wechat-api-mini
    const { default: WechatAPI } = await import('co-wechat-api');

    const logins = new WechatAPI(appId, apiKey);
    logins.snsPrefix = `${brokerUrl}/sns/`;
    const { openid, session_key } = await logins.code2Session(code);
    // docs:end
    return { openid, session_key };
  },
};

say({ sdk: 'node-easywechat, co-wechat-api' });
createInterface({ input: process.stdin }).on('line', async (line) => {
  const [name, ...args] = JSON.parse(line);
  try {
    say(await commands[name](...args));
  } catch (error) {
    say({ error: `${error} ${error.code}` });
  }
});
