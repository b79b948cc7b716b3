import type { Fault } from './openapi-faults.js';

const faults = {
  invalid: ['invalid_request', 'Give "app" only once.'],
  appRequired: ['app_required', 'Say which app is meant with "app". It may name: shop, blog.'],
  unauthorized: ['unauthorized', 'Send an API key as "Authorization: Bearer <key>".'],
  forbidden: ['forbidden', 'This needs the scope token:read, which client orders lacks.'],
  unknownApp: ['unknown_app', 'This API key sees no app of that name. It may name: shop, blog.'],
  payloadTooLarge: ['payload_too_large', 'The body is larger than 16 KiB.'],
  unsupportedMediaType: [
    'unsupported_media_type',
    'Send the body as JSON, with "Content-Type: application/json".',
  ],
  internal: ['internal_error', 'The broker failed at this request. Its log says why.'],
  noTokenYet: [
    'no_token_yet',
    'The platform gave no token yet: 40164. Add this machine to the IP whitelist.',
    { errcode: 40164, retryAfterSeconds: 30 },
  ],
  tokenExpired: [
    'token_expired',
    'The token ran out and the platform gave no new one.',
    { errcode: -1, retryAfterSeconds: 2 },
  ],
  heldElsewhere: [
    'held_elsewhere',
    'There is no token yet: another broker on this Redis, prod:{shop}, fetches for this AppID. Have the callers ask that broker.',
    { retryAfterSeconds: 8 },
  ],
} satisfies Record<string, Fault>;

/** What several routes of the OpenAPI document share. */
export const openApiCommon = {
  faults: faults as Readonly<Record<keyof typeof faults, Fault>>,
  ref: (schema: string) => ({ $ref: `#/components/schemas/${schema}` }),
  json: (schema: object, example?: unknown) => ({ 'application/json': { schema, example } }),
  appParameter: {
    name: 'app',
    in: 'query' as const,
    schema: { type: 'string', minLength: 1 },
    description: 'May be left out by a caller that sees one app, or one named `default`.',
  },
};
