import { appSchema } from '../apps/apps.controller.js';
import { errorCode } from '../common/schema.js';
import { tokenSchema } from '../tokens/token.view.js';

const nullable = (type: 'integer' | 'string', format?: 'date-time') => ({
  type,
  nullable: true,
  ...(format === undefined ? {} : { format }),
});

/** The bodies of requests and answers, for the OpenAPI document. */
export const openApiSchemas = {
  Token: tokenSchema,
  Refresh: {
    type: 'object',
    description: 'Without the scope `token:read` there is neither `access_token` nor `cache_max_age`.',
    required: ['app', 'expires_in', 'expires_at', 'generation', 'refreshed', 'reason'],
    properties: {
      ...tokenSchema.properties,
      refreshed: { type: 'boolean' },
      reason: { type: 'string', enum: ['rotated', 'already_rotated', 'recently_rotated', 'still_valid'] },
    },
  },
  RefreshRequest: {
    type: 'object',
    additionalProperties: false,
    properties: {
      app: { ...nullable('string'), minLength: 1 },
      generation: { ...nullable('integer'), minimum: 0, description: 'Names the refused token.' },
      access_token: {
        ...nullable('string'),
        minLength: 1,
        maxLength: 5000,
        description: 'Names it too, by value.',
      },
      errcode: { ...errorCode, nullable: true, description: 'What the platform answered to the caller.' },
      force: { type: 'boolean', nullable: true, description: 'The token leaked. Needs `token:admin`.' },
    },
  },
  App: appSchema,
  Ready: {
    type: 'object',
    properties: {
      status: { type: 'string', enum: ['ready'] },
      apps: {
        type: 'array',
        items: { type: 'object', properties: { app: { type: 'string' }, state: appSchema.properties.state } },
      },
    },
  },
  Problem: {
    type: 'object',
    description: 'RFC 9457. `code` is stable and for programs; `detail` is for people and says what to do.',
    required: ['type', 'title', 'status', 'code', 'detail'],
    properties: {
      type: { type: 'string' },
      title: { type: 'string' },
      status: { type: 'integer' },
      code: { type: 'string' },
      detail: { type: 'string' },
      errcode: { ...errorCode, description: 'What the platform said.' },
      retry_after: { type: 'integer', description: 'Seconds; the same as the header Retry-After.' },
    },
  },
};
