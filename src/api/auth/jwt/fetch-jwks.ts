import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { readFile } from 'node:fs/promises';
import type { JSONWebKeySet } from 'jose';
import { jwksForm } from '../../../core/jwks-form.js';
import type { Clock } from '../../../core/ports/clock.js';

const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024;

export interface JwksLocation {
  readonly uri: string;
  /** Paths; read each time, for their content is rotated. */
  readonly caFile?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/**
 * Fetches a JWKS, bounded in time and size. Follows no redirect and uses no proxy.
 *
 * @throws Error with a text for people; it has nothing of the answer
 */
export async function fetchJwks(
  { uri, caFile, tokenFile }: JwksLocation,
  clock: Clock,
): Promise<JSONWebKeySet> {
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
  const text = await get(new URL(uri), ca, token, clock);
  const fault = jwksForm(text);
  if (fault !== undefined) throw new Error(`its answer ${fault}`);
  return JSON.parse(text) as JSONWebKeySet;
}

function get(url: URL, ca: string | undefined, token: string | undefined, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      agent: false as const,
      headers: {
        accept: 'application/jwk-set+json, application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(ca !== undefined && { ca }),
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
    };
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode !== 200) {
        request.destroy(new Error(`it answered ${statusCode}`));
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES)
          request.destroy(new Error(`its answer is larger than ${MAX_BYTES / 1024} KiB`));
        else chunks.push(chunk);
      });
      response.once('end', () => {
        cancel();
        resolve(Buffer.concat(chunks).toString('utf8'));
      });
      response.once('error', fail);
    });
    const cancel = clock.after(TIMEOUT_MS, () => {
      request.destroy(new Error(`it did not answer within ${TIMEOUT_MS / 1000} s`));
    });
    const fail = (error: Error): void => {
      cancel();
      reject(error);
    };
    request.once('error', fail);
    request.end();
  });
}
