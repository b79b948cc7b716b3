import type { IncomingMessage } from 'node:http';

const SANE = /^[A-Za-z0-9._-]{1,64}$/;

/** The id that the caller gave its request, unless it is one that would spoil a log. */
export function givenRequestId({ headers: { 'x-request-id': given } }: IncomingMessage): string | undefined {
  return typeof given === 'string' && SANE.test(given) ? given : undefined;
}
