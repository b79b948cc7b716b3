import { createTokenClient } from '@access-token-broker/client';
import { say } from './serve.mjs';

const { BROKER_URL: url, API_KEY: apiKey, APP: app } = process.env;
const tokens = createTokenClient({ url, apiKey, app, timeoutMs: 1000 });

say({ sdk: '@access-token-broker/client', version: process.version });
process.stdin.once('data', async () => {
  try {
    say({ outcomes: [await tokens.get()] });
  } catch (error) {
    say({ outcomes: [String(error)] });
  }
});
