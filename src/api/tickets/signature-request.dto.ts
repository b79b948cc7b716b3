import { IsOptional, IsString, Length } from 'class-validator';

/** Body of POST /ticket/signature: either the page's `url`, or the `card_id` of a card and what else its `cardExt` has. */
export class SignatureRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @IsOptional()
  @Length(1, 4096)
  @IsString()
  url?: string | null;

  /** With `url`: whose ticket signs. Left out: `jsapi`. */
  @IsOptional()
  @Length(1, 64)
  @IsString()
  type?: string | null;

  @IsOptional()
  @Length(1, 128)
  @IsString()
  card_id?: string | null;

  @IsOptional()
  @Length(0, 128)
  @IsString()
  code?: string | null;

  @IsOptional()
  @Length(0, 128)
  @IsString()
  openid?: string | null;
}
