import { IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min, ValidateBy } from 'class-validator';
import { about } from '../common/api-route.js';
import { errorCode } from '../common/schema.js';
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
  @IsInt(about('Names the refused token.'))
  generation?: number | null;

  @IsOptional()
  @Length(1, MAX_TOKEN_CHARACTERS)
  @IsString(about('Names it too, by value.'))
  access_token?: string | null;

  @IsOptional()
  @IsErrorCode('What the platform answered to the caller.')
  errcode?: ErrorCode | null;

  @IsOptional()
  @IsBoolean(about('The token leaked. Needs `token:admin`.'))
  force?: boolean | null;
}

function IsErrorCode(description: string): PropertyDecorator {
  const validator = {
    validate: (value: unknown) => errorCodeOf(value) !== null,
    defaultMessage: () =>
      'errcode must be an integer number of at most ten digits, or a word such as invalid_token',
  };
  return ValidateBy({ name: 'isErrorCode', validator }, { context: { ...errorCode, description } });
}
