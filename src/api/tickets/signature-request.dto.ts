import { IsOptional, IsString, Length } from 'class-validator';
import { about } from '../common/api-route.js';

/** Body of POST /ticket/signature: either the page's `url`, or the `card_id` of a card and what else its `cardExt` has. */
export class SignatureRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @IsOptional()
  @Length(1, 4096)
  @IsString(about('Absolute, http or https, without a fragment.'))
  url?: string | null;

  @IsOptional()
  @Length(1, 64)
  @IsString(
    about(
      'With `url`: the kind of ticket that signs, `jsapi` if left out; `agent_config` for an app of WeCom.',
    ),
  )
  type?: string | null;

  @IsOptional()
  @Length(1, 128)
  @IsString(about('Instead of `url`.'))
  card_id?: string | null;

  @IsOptional()
  @Length(0, 128)
  @IsString(about('Of the cardExt.'))
  code?: string | null;

  @IsOptional()
  @Length(0, 128)
  @IsString(about('Of the cardExt.'))
  openid?: string | null;
}
