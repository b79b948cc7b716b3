import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Command } from './line-program.js';

const here = fileURLToPath(new URL('.', import.meta.url));
/** Where `ci/sdk.sh` builds; it says so in the environment. */
const built = `${process.env.SDK_BUILD ?? ''}/`;

const python = `${built}python/bin/python`;
const java = ['java', '-XX:TieredStopAtLevel=1', '-cp', `${built}java/classes:${built}java/lib/*`] as const;

/** How the programs of the SDKs are started, by the name under which docs/adopting.md has them. */
export const SDKS = {
  'co-wechat-api': [execPath, `${here}node/co-wechat-api.mjs`],
  'node-easywechat': [execPath, `${here}node/node-easywechat.mjs`],
  wechatpy: [python, `${here}python/wechatpy_sdk.py`],
  silenceper: [`${built}go/silenceper`],
  'weixin-java-miniapp': [...java, 'WxJavaSdk'],
  'weixin-java-mp': [...java, 'WxJavaMpSdk'],
} as const;

/** Those whose host is the broker for everything, with a virtual token, by the name of the region that docs/adopting.md shows. */
export const ONE_HOST_SDKS = {
  'co-wechat-api': SDKS['co-wechat-api'],
  'node-easywechat-one-host': [execPath, `${here}node/node-easywechat-one-host.mjs`],
  'wechatpy-one-host': [python, `${here}python/wechatpy_one_host.py`],
  'silenceper-one-host': [`${built}go/silenceper`, 'one-host'],
  'weixin-java-mp': SDKS['weixin-java-mp'],
} as const;

/** Libraries of OAuth 2.0, which know nothing of the broker. */
export const OAUTH2_LIBRARIES = {
  'requests-oauthlib': [python, `${here}python/oauth2_library.py`],
  'golang-oauth2': [`${built}go/oauth2`],
} as const;

/** Those that log users in, by language: SDKs as docs/adopting.md says, and the examples of docs/login.md. */
export const LOGINS = {
  node: [execPath, `${here}node/logins.mjs`],
  python: [python, `${here}python/logins.py`],
  go: [`${built}go/login`],
  java: [...java, 'WxJavaLogins'],
  php: ['php', `${here}php/login.php`],
} as const;

/** One that asks for a token with the client for Node. */
export const NODE_CLIENT: Command = [execPath, `${here}node/client.mjs`];

/** Those of the examples, by folder. */
export const EXAMPLES = {
  python: [python, `${here}python/example.py`],
  go: [`${built}go/example`],
  java: [...java, 'Example'],
  php: ['php', `${here}php/example.php`],
} as const;

/** Tries an HTTP API against its OpenAPI document. */
export const SCHEMATHESIS = `${built}openapi/bin/schemathesis`;
