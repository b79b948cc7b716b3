import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import { serve } from './serve.mjs';

const { APP_ID: appId, API_KEY: apiKey, BROKER_URL: brokerUrl, CACHE_FOLDER: cacheFolder } = process.env;

// docs:begin node-easywechat-one-host
const { OfficialAccount } = await import('node-easywechat');

const account = new OfficialAccount({
  app_id: appId,
  secret: apiKey,
  use_stable_access_token: true,
  http: { baseURL: brokerUrl },
  file_cache: { path: cacheFolder },
});
// docs:end

const { version } = createRequire(import.meta.url)('node-easywechat/package.json');
const client = account.getClient();
serve(
  'node-easywechat, one host',
  version,
  async () => {
    const answer = (await client.get('/cgi-bin/user/info', { params: { openid: 'o-1' } })).toObject();
    if (answer.openid === undefined) throw new Error(JSON.stringify(answer));
    return answer.openid;
  },
  async (file) => {
    const { FormData } = await import('node-easywechat');
    const message = { touser: 'o-1', msgtype: 'text', text: { content: '你好' } };
    const sent = (await client.postJson('/cgi-bin/message/custom/send', message)).toObject();
    if (sent.errcode !== 0) throw new Error(JSON.stringify(sent));
    const formData = new FormData();
    formData.append('media', file, { filename: 'a.png', contentType: 'image/png' });
    const uploaded = await client.post('/cgi-bin/media/upload', { params: { type: 'image' }, formData });
    const { media_id } = uploaded.toObject();
    const params = { media_id };
    const downloaded = await client.get('/cgi-bin/media/get', { params, responseType: 'arraybuffer' });
    return Buffer.from(downloaded.getContent());
  },
);
