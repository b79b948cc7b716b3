import { BrokerError } from '../../core/errors.js';
import { refusalOf } from '../drop-in.js';

/** WeChat's own words, which some SDKs look at. */
const TEXTS = {
  [-1]: 'system error',
  40001:
    'invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r',
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40030: 'invalid refresh_token',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40163: 'code been used',
  41001: 'access_token missing',
  41002: 'appid missing',
  41003: 'refresh_token missing',
  41004: 'appsecret missing',
  41008: 'missing code',
  41009: 'missing openid',
  42001: 'access_token expired',
  43001: 'require GET method',
  43002: 'require POST method',
  44002: 'empty post data',
  45001: 'media size out of limit',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  48001: 'api unauthorized',
  50002: 'user limited',
} as const;

/** A call to a drop-in endpoint that is answered with an errcode, as WeChat would. */
export class WechatRefusal extends Error {
  override readonly name = 'WechatRefusal';

  /**
   * @param why what the broker has to say to the person who reads it; holds no secret and nothing of the caller's own text
   * @param status of HTTP; WeChat's own errors nearly all have 200
   */
  constructor(
    readonly errcode: keyof typeof TEXTS,
    readonly why: string,
    readonly status = 200,
  ) {
    super(`${TEXTS[errcode]}, access-token-broker: ${why}`);
  }

  /** For what failed in the broker; undefined for what nobody foresaw. */
  static from(error: unknown): WechatRefusal | undefined {
    const isWithoutToken = error instanceof BrokerError && error.code === 'no_token_for_app_type';
    if (isWithoutToken) return new WechatRefusal(48001, error.message);
    const refusal = refusalOf(error, 45011);
    return refusal && new WechatRefusal(...refusal);
  }
}

/** What the platform itself answered. */
export class PlatformRefusal extends Error {
  override readonly name = 'PlatformRefusal';

  constructor(
    readonly errcode: number,
    errmsg: string,
  ) {
    super(errmsg);
  }
}
