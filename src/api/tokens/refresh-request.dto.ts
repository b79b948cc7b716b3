import { IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min, ValidateBy } from 'class-validator';
import { errorCodeOf, type ErrorCode } from '../../core/error-code.js';

/** The longest token that the broker takes from a platform. */
const MAX_TOKEN_CHARACTERS = 5000;

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
  @Length(1, MAX_TOKEN_CHARACTERS)
  @IsString()
  access_token?: string | null;

  @IsOptional()
  @IsErrorCode()
  errcode?: ErrorCode | null;

  @IsOptional()
  @IsBoolean()
  force?: boolean | null;
}

function IsErrorCode(): PropertyDecorator {
  return ValidateBy({
    name: 'isErrorCode',
    validator: {
      validate: (value) => errorCodeOf(value) !== null,
      defaultMessage: () =>
        'errcode must be an integer number of at most ten digits, or a word such as invalid_token',
    },
  });
}
