const nullable = (type: 'integer' | 'string', format?: 'date-time') => ({
  type,
  nullable: true,
  ...(format === undefined ? {} : { format }),
});

/** A number or a word, as the platform has it. */
export const errorCode = {
  oneOf: [{ type: 'integer' }, { type: 'string', pattern: '^[A-Za-z][\\w.:-]{0,63}$' }],
};

const timeOrNull = nullable('string', 'date-time');

const tokenProperties = {
  app: { type: 'string', description: 'Alias of the app.' },
  access_token: { type: 'string' },
  token_type: {
    type: 'string',
    description: 'How to present it, where the platform named a type other than Bearer.',
  },
  expires_in: { type: 'integer', description: 'Whole seconds left, from when the platform was asked.' },
  expires_at: { type: 'string', format: 'date-time' },
  generation: { type: 'integer', format: 'int64', description: 'Opaque; only ever grows for an app.' },
  cache_max_age: { type: 'integer', maximum: 60, description: 'Seconds to keep it without asking again.' },
};

const appState = { type: 'string', enum: ['ok', 'suspect', 'degraded', 'expired', 'pending'] };

const appProperties = {
  app: { type: 'string' },
  provider: { type: 'string' },
  grant: { type: 'string' },
  app_id: { type: 'string' },
  state: appState,
  generation: { ...nullable('integer'), format: 'int64' },
  issued_at: timeOrNull,
  expires_at: timeOrNull,
  next_refresh_at: timeOrNull,
  last_error: {
    type: 'object',
    nullable: true,
    properties: {
      errcode: { ...errorCode, nullable: true },
      message: { type: 'string' },
      remedy: { type: 'string', description: 'What a person does about it.' },
      at: { type: 'string', format: 'date-time' },
    },
  },
  fetches_today: { type: 'integer' },
  fetch_budget: { type: 'integer' },
};

/** The bodies of requests and answers, for the OpenAPI document. */
export const openApiSchemas = {
  Token: {
    type: 'object',
    required: Object.keys(tokenProperties).filter((name) => name !== 'token_type'),
    properties: tokenProperties,
  },
  Refresh: {
    type: 'object',
    description: 'Without the scope `token:read` there is neither `access_token` nor `cache_max_age`.',
    required: ['app', 'expires_in', 'expires_at', 'generation', 'refreshed', 'reason'],
    properties: {
      ...tokenProperties,
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
  App: {
    type: 'object',
    required: Object.keys(appProperties),
    properties: appProperties,
  },
  Ready: {
    type: 'object',
    properties: {
      status: { type: 'string', enum: ['ready'] },
      apps: {
        type: 'array',
        items: { type: 'object', properties: { app: { type: 'string' }, state: appState } },
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
