import type { FastifyReply } from 'fastify';
import { describeProblem } from '../common/send-problem.js';
import { UnseenAppError } from '../auth/unseen-app.error.js';
import type { Problem } from '../common/problem.js';

/** RFC 6749, section 5.2; the last two are those of section 4.1.2.1, for what that section has no word for. */
export type OAuth2ErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'temporarily_unavailable'
  | 'server_error';

/** A token request that is refused in the words of OAuth 2.0. */
export class OAuth2Error extends Error {
  override readonly name = 'OAuth2Error';

  constructor(
    readonly error: OAuth2ErrorCode,
    description: string,
  ) {
    super(description);
  }
}

/** Whatever the client sent, it authenticates with Basic or in the body: one challenge for all. */
const CHALLENGE = { 'www-authenticate': 'Basic realm="access-token-broker", charset="UTF-8"' };

/** Answers with an error of RFC 6749, whatever was thrown. What may pass by itself also has the broker's own `code`, `errcode` and `retry_after`. */
export function sendOAuth2Error(thrown: unknown, reply: FastifyReply): Pick<Problem, 'code' | 'status'> {
  const refusal =
    thrown instanceof UnseenAppError ? new OAuth2Error('invalid_client', thrown.message) : thrown;
  if (refusal instanceof OAuth2Error) {
    const { error, message } = refusal;
    const status = error === 'invalid_client' ? 401 : 400;
    if (status === 401) reply.headers(CHALLENGE);
    send(reply, status, { error, error_description: description(message) });
    return { status, code: thrown instanceof UnseenAppError ? thrown.code : 'invalid_request' };
  }
  const { status, code, detail, errcode, retry_after } = describeProblem(thrown);
  if (retry_after !== undefined) reply.header('retry-after', String(retry_after));
  const error = errorOf(status);
  send(reply, status, { error, error_description: description(detail), code, errcode, retry_after });
  return { status, code };
}

function errorOf(status: number): OAuth2ErrorCode {
  if (status < 500) return 'invalid_request';
  return status === 500 ? 'server_error' : 'temporarily_unavailable';
}

function send(reply: FastifyReply, status: number, body: object): void {
  void reply.code(status).headers({ 'cache-control': 'no-store', pragma: 'no-cache' }).send(body);
}

/** The characters that section 5.2 allows. */
function description(text: string): string {
  return text.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, '?');
}
