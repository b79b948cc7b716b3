import { createRequire } from 'node:module';
import { serve } from './serve.mjs';

const { APP_ID: appId, API_KEY: apiKey, BROKER_URL: brokerUrl } = process.env;

// docs:begin co-wechat-api
const { default: WechatAPI } = await import('co-wechat-api');

const api = new WechatAPI(appId, apiKey);
api.prefix = `${brokerUrl}/cgi-bin/`;
// docs:end

const { version } = createRequire(import.meta.url)('co-wechat-api/package.json');
serve(
  'co-wechat-api',
  version,
  async () => (await api.getUser('o-1')).openid,
  async (file) => {
    await api.sendText('o-1', '你好');
    const { media_id: mediaId } = await api.uploadMedia(file, 'image', 'a.png', 'image/png');
    return api.getMedia(mediaId);
  },
);
