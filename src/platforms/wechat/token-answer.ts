import type { IssueOutcome } from '../../core/ports/token-issuer.js';
import { readErrcodeAnswer } from '../http/errcode-answer.js';
import { knownMessage } from './known-message.js';

/**
 * Reads the body of a token endpoint's answer, or of the ticket endpoint's. `sent` is the secret of the request, no part of
 * which may stand in the message.
 */
export function readTokenAnswer(
  body: string,
  sent: string,
  field: 'access_token' | 'ticket' = 'access_token',
): IssueOutcome {
  return readErrcodeAnswer(body, {
    field,
    messageOf: (errmsg, value) => knownMessage(errmsg, [sent, value]),
  });
}
