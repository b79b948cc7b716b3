import type { FastifyRequest } from 'fastify';

/** Parameters and fields that open something, on whichever route and whether it takes them or not. */
const NAMES: ReadonlySet<string> = new Set([
  'access_token',
  'binding',
  'client_secret',
  'code',
  'code_verifier',
  'corpsecret',
  'encrypted_data',
  'iv',
  'js_code',
  'refresh_token',
  'secret',
  'session',
  'session_key',
  'state',
  'ticket',
]);
/** Whatever a platform or the broker gives is longer; shorter ones would blank ordinary words. */
const MIN_CHARACTERS = 16;

/** What a request brought, in its URL and its JSON, that no line may show. */
export function secretsOf({ query, body }: FastifyRequest): string[] {
  const fields: [name: string, value: unknown][] = [query, body].flatMap((one) =>
    Object.entries(Object(one) as Record<string, unknown>),
  );
  return fields
    .filter(([name]) => NAMES.has(name))
    .flatMap(([, value]) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter((value) => typeof value === 'string')
    .filter((value) => value.length >= MIN_CHARACTERS);
}
