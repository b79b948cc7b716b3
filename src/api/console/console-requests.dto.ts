import { IsString, Length } from 'class-validator';
import { about } from '../common/api-route.js';

export const MAX_REASON = 200;
/** A JWT has at most 8,192. */
const MAX_KEY = 8192;

/** Body of POST /console/api/session. */
export class SignInRequest {
  @Length(1, MAX_KEY)
  @IsString(about('An API key or a JWT.'))
  key!: string;
}

/** Body of POST /console/api/apps/:app/refresh. */
export class ForceRequest {
  @Length(1, MAX_REASON)
  @IsString(about('What it is for; it stands in the audit and in the history.'))
  reason!: string;
}
