import { IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';

/** The longest token that the broker takes from a platform. */
const LONGEST_TOKEN = 5000;

/** Body of POST /token/refresh. Everything may be left out, and null is the same as left out. Of two faults of a field the lower decorator's is told. */
export class RefreshRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @IsOptional()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  @IsInt()
  generation?: number | null;

  @IsOptional()
  @Length(1, LONGEST_TOKEN)
  @IsString()
  access_token?: string | null;

  @IsOptional()
  @Min(Number.MIN_SAFE_INTEGER)
  @Max(Number.MAX_SAFE_INTEGER)
  @IsInt()
  errcode?: number | null;

  @IsOptional()
  @IsBoolean()
  force?: boolean | null;
}
