import { BrokerApi } from './broker-api.js';
import { DEAD_TOKEN_ERRCODES, type Errcode } from './dead-token-errcode.js';
import { TokenClient } from './token-client.js';

export interface TokenClientOptions {
  /** The broker's address, such as `http://token-broker:8080`; or several, of which one that answers is used. */
  readonly url: string | readonly string[];
  readonly apiKey: string;
  /** The app's alias. May be left out where the key sees only one app, or one is named `default`. */
  readonly app?: string | undefined;
  /** False: no event stream, only a request every minute or so. Default: true. */
  readonly stream?: boolean | undefined;
  /** How long `get()`, `report()` and `call()` wait for a living token when there is none. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
  /** The platform's errcode in an answer or error of a form that `call()` does not know; undefined for all others. */
  readonly errcodeOf?: ((outcome: unknown) => Errcode | undefined) | undefined;
  /** By which the platform says that the token is dead. Default: those of WeChat, WeCom and OAuth 2. */
  readonly deadTokenErrcodes?: readonly Errcode[] | undefined;
}

/** Throws TypeError for options that cannot work. Sends nothing yet: the first `get()` does. */
export function createTokenClient(options: TokenClientOptions): TokenClient {
  const { url, apiKey, app, stream = true, timeoutMs = 10_000, errcodeOf } = options;
  const { deadTokenErrcodes = DEAD_TOKEN_ERRCODES } = options;
  const urls = (typeof url === 'string' ? [url] : url).map(baseOf);
  if (urls.length === 0) throw new TypeError('createTokenClient: url names no address of the broker.');
  if (typeof apiKey !== 'string' || !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new TypeError('createTokenClient: apiKey must be a key as `access-token-broker keygen` prints it.');
  }
  if (!(timeoutMs > 0)) throw new TypeError('createTokenClient: timeoutMs must be above 0.');
  const closing = new AbortController();
  const api = new BrokerApi({ urls, apiKey, app }, closing.signal);
  return new TokenClient({ api, closing, stream, timeoutMs, errcodeOf, deadTokenErrcodes });
}

/** Without the slash at its end. */
function baseOf(url: string): string {
  const { protocol, username, password, search, hash } = new URL(url);
  if (!/^https?:$/.test(protocol) || username || password || search || hash) {
    throw new TypeError('createTokenClient: url must be a plain http or https address.');
  }
  return url.replace(/\/+$/, '');
}
