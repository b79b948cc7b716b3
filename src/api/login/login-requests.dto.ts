import { IsBoolean, IsOptional, IsString, Length } from 'class-validator';
import { about } from '../common/api-route.js';

/** Body of POST /login/authorize-url. Of two faults of a field the lower decorator's is told; null is the same as left out. */
export class AuthorizeUrlRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @Length(1, 2048)
  @IsString(about('One of `login.redirectUris` of the app, to the letter.'))
  redirect_uri!: string;

  @IsOptional()
  @Length(1, 256)
  @IsString(about('`snsapi_base` if left out; `snsapi_login` for a website, `get_user_info` for QQ.'))
  scope?: string | null;

  @IsOptional()
  @IsBoolean(about('WeChat asks the user again, although there was consent before.'))
  force_popup?: boolean | null;

  @IsOptional()
  @Length(43, 43)
  @IsString(about('S256 of a `code_verifier` (RFC 7636), which `exchange` then wants instead of `binding`.'))
  code_challenge?: string | null;
}

/** Body of POST /login/exchange: `code`, `state` and a proof from a web page, or `js_code` from a mini program. */
export class ExchangeRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @IsOptional()
  @Length(1, 512)
  @IsString(about('As the callback got it.'))
  code?: string | null;

  @IsOptional()
  @Length(1, 128)
  @IsString(about('As the callback got it.'))
  state?: string | null;

  @IsOptional()
  @Length(1, 128)
  @IsString(about("Out of the browser's cookie."))
  binding?: string | null;

  @IsOptional()
  @Length(43, 128)
  @IsString(about('Instead of `binding`, if there was a `code_challenge`.'))
  code_verifier?: string | null;

  @IsOptional()
  @Length(1, 512)
  @IsString(about('Of `wx.login` in a mini program; nothing else is sent with it but `app`.'))
  js_code?: string | null;
}

/** Body of POST /login/redeem, after a hosted callback. */
export class RedeemRequest {
  @Length(1, 128)
  @IsString(about('As the page at `redirect_uri` got it.'))
  ticket!: string;

  @Length(1, 128)
  @IsString(about("Out of the browser's cookie."))
  binding!: string;
}

/** Body of what is asked of one session. */
export class SessionRequest {
  @Length(1, 128)
  @IsString(about('The handle that a login gave.'))
  session!: string;
}

/** Body of POST /login/userinfo. */
export class UserinfoRequest extends SessionRequest {
  @IsOptional()
  @Length(1, 16)
  @IsString(about('`zh_CN`, `zh_TW` or `en`, for the names of places.'))
  lang?: string | null;
}

/** Body of POST /login/session/decrypt: as the mini program got them, in base64. */
export class DecryptRequest extends SessionRequest {
  @Length(1, 16_000)
  @IsString()
  encrypted_data!: string;

  @Length(1, 64)
  @IsString()
  iv!: string;
}

/** Body of POST /login/phone. */
export class PhoneRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @Length(1, 512)
  @IsString(about('Of the phone number component; it is no login code.'))
  code!: string;

  @IsOptional()
  @Length(1, 128)
  @IsString(about("WeChat then checks that the code is this user's."))
  openid?: string | null;
}
