import type { FastifyReply } from 'fastify';
import { describeProblem } from '../common/problem.filter.js';
import { BrokerError } from '../../core/errors.js';
import { UnseenAppError } from '../auth/client-access.js';
import { HttpProblem } from '../common/problem.js';
import { oneOf, type FromSchema } from '../common/schema.js';

/** RFC 6749, section 5.2; the last two are those of section 4.1.2.1, for what that section has no word for. */
export const oauth2ErrorCode = oneOf(
  'invalid_request',
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'temporarily_unavailable',
  'server_error',
);

type OAuth2ErrorCode = FromSchema<typeof oauth2ErrorCode>;

/** A token request that is refused in the words of OAuth 2.0. */
export class OAuth2Error extends HttpProblem {
  constructor(
    readonly error: OAuth2ErrorCode,
    description: string,
  ) {
    super(error === 'invalid_client' ? 'unauthorized' : 'invalid_request', description);
  }
}

/** Clients authenticate with Basic or in the body; the challenge is the same for both. */
const CHALLENGE = { 'www-authenticate': 'Basic realm="access-token-broker", charset="UTF-8"' };

/** Answers with an error of RFC 6749, whatever was thrown. What may pass by itself also has the broker's own `code`, `errcode` and `retry_after`. */
export function sendOAuth2Error(thrown: unknown, reply: FastifyReply): void {
  const refusal = inTermsOfOAuth2(thrown);
  const { status, code, detail, errcode, retry_after } = describeProblem(refusal);
  if (status === 401) reply.headers(CHALLENGE);
  if (retry_after !== undefined) reply.header('retry-after', String(retry_after));
  const isOAuth2 = refusal instanceof OAuth2Error;
  void reply
    .code(status)
    .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    .send({
      error: isOAuth2 ? refusal.error : errorOf(status),
      error_description: description(detail),
      ...(!isOAuth2 && { code, errcode, retry_after }),
    });
}

function inTermsOfOAuth2(thrown: unknown): unknown {
  if (thrown instanceof UnseenAppError) return new OAuth2Error('invalid_client', thrown.message);
  const hasNoToken = thrown instanceof BrokerError && thrown.code === 'no_token_for_app_type';
  return hasNoToken ? new OAuth2Error('unauthorized_client', thrown.message) : thrown;
}

function errorOf(status: number): OAuth2ErrorCode {
  if (status === 403) return 'unauthorized_client';
  if (status < 500 && status !== 429) return 'invalid_request';
  return status === 500 ? 'server_error' : 'temporarily_unavailable';
}

/** The characters that section 5.2 allows. */
function description(text: string): string {
  return text.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, '?');
}
