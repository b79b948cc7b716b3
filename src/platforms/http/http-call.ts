import type { IssueOutcome } from '../../core/ports/token-issuer.js';
import { faultOfStatus, NetworkFault, type FaultId } from './network-fault.js';

/** Real answers have some 200 bytes. Counted after decompression. */
export const MAX_ANSWER_BYTES = 64 * 1024;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Follows the base URL; may be empty. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; `URLSearchParams` as a form. */
  readonly data?: object;
}

/**
 * `answered`: a 2xx or 4xx with its body as text, whatever the content type says. Whether a 4xx proves a refusal, the
 * platform decides; see `okOnly`. `not_sent` and `unknown` are as in `IssueOutcome`; a redirect, a 5xx and a 407 are
 * `unknown` whatever their body says.
 */
export type HttpReply =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Names in lower case. */
      readonly headers: Readonly<Record<string, unknown>>;
      readonly body: string;
    }
  | Extract<IssueOutcome, { cause: Error }>;

/** For a platform that answers its refusals with 2xx: any other status came from something in between, and proves nothing. */
export function okOnly(reply: HttpReply): HttpReply {
  return reply.kind === 'answered' && reply.status > 299 ? unproven(reply.status, reply.headers) : reply;
}

export function replyOf(status: number, headers: Readonly<Record<string, unknown>>, body: string): HttpReply {
  const isAnswer = (status >= 200 && status <= 299) || (status >= 400 && status <= 499 && status !== 407);
  return isAnswer ? { kind: 'answered', status, headers, body } : unproven(status, headers);
}

/** What is known of a request without an answer. `why` is words, or a code of Node's. */
export interface Trouble {
  readonly fault: FaultId;
  readonly why: string;
}

export function replyOfTrouble(baseUrl: string, mayBeSent: boolean, { fault, why }: Trouble): HttpReply {
  const origin = URL.canParse(baseUrl) ? new URL(baseUrl).origin : 'what is no URL';
  const message = mayBeSent
    ? `The platform at ${origin} gave no complete answer: ${why}.`
    : `No connection to the platform at ${origin}: ${why}.`;
  return { kind: mayBeSent ? 'unknown' : 'not_sent', cause: new NetworkFault(fault, message) };
}

function unproven(status: number, headers: Readonly<Record<string, unknown>>): HttpReply {
  const message = `The platform answered with HTTP status ${status}.`;
  return { kind: 'unknown', cause: new NetworkFault(faultOfStatus(status), message, retryAfterMs(headers)) };
}

/** The header Retry-After: seconds, or a date, which is read by the server's own clock (RFC 9110 10.2.3). */
export function retryAfterMs(headers: Readonly<Record<string, unknown>>): number | undefined {
  const [value, date] = [String(headers['retry-after']), String(headers.date)];
  const ms = /^\d{1,7}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(date);
  return ms > 0 ? ms : undefined;
}
