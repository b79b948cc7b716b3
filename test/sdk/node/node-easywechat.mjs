import { createRequire } from 'node:module';
import { serve } from './serve.mjs';

const { APP_ID: appId, API_KEY: apiKey, BROKER_URL: brokerUrl, CACHE_FOLDER: cacheFolder } = process.env;

// docs:begin node-easywechat
const { OfficialAccount } = await import('node-easywechat');

const tokens = new OfficialAccount({
  app_id: appId,
  secret: apiKey,
  use_stable_access_token: true,
  http: { baseURL: brokerUrl },
  file_cache: { path: cacheFolder },
}).getAccessToken();

const account = new OfficialAccount({
  app_id: appId,
  http: {
    retry: {
      retries: 1,
      validateResponse: ({ data }) => ![40001, 40014, 42001].includes(data.errcode),
      retryCondition: ({ response }) => response?.status === 200,
      onRetry: async (count, error, request) => {
        request.params.access_token = await tokens.getStableAccessToken(true);
      },
    },
  },
});
account.setAccessToken(tokens);
// docs:end

account.getHttpClient().getInstance().defaults.baseURL = process.env.WECHAT_URL;
const { version } = createRequire(import.meta.url)('node-easywechat/package.json');
serve('node-easywechat', version, async () => {
  const response = await account.getClient().get('/cgi-bin/user/info', { params: { openid: 'o-1' } });
  const answer = response.toObject();
  if (answer.openid === undefined) throw new Error(JSON.stringify(answer));
  return answer.openid;
});
