import type { Deadline } from '../../core/ports/token-issuer.js';
import { callPlatform } from '../http/http-call.js';
import { NetworkFault } from '../http/network-fault.js';
import type { Ping } from '../platform.js';
import { readTokenAnswer } from './token-answer.js';

/** A request that names no client, which a token endpoint answers with an error. It needs no secret and changes nothing. */
export async function pingTokenEndpoint(tokenUrl: string, deadline: Deadline): Promise<Ping> {
  const data = new URLSearchParams({ grant_type: 'client_credentials' });
  const reply = await callPlatform(tokenUrl, { method: 'POST', path: '', data }, deadline);
  if (reply.kind !== 'answered') return reply;
  const outcome = readTokenAnswer(reply, { defaultLifeSeconds: 1, isRepeated: false, clientSecret: '' });
  if (outcome.kind === 'refused') return { kind: 'answered', errcode: outcome.errcode };
  if (outcome.kind !== 'issued') return outcome;
  const text = 'The token endpoint gives a token to a request that names no client.';
  return { kind: 'unknown', cause: new NetworkFault('other', text) };
}
