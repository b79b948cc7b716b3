import { text } from '../common/schema.js';
import { type ApiRoute, type Fault, about } from '../common/api-route.js';
import {
  callersSchema,
  detailSchema,
  forcedSchema,
  historySchema,
  probeSchema,
  rowsSchema,
  sessionSchema,
  systemSchema,
} from './console.schemas.js';
import { IsString, Length } from 'class-validator';

const MAX_REASON = 200;
/** A JWT has at most 8,192. */
const MAX_KEY = 8192;

/** Body of POST /console/api/session. */
export class SignInRequest {
  @Length(1, MAX_KEY)
  @IsString(about('An API key or a JWT.'))
  key!: string;
}

/** Body of POST /console/api/apps/:app/refresh. */
export class ForceRequest {
  @Length(1, MAX_REASON)
  @IsString(about('What it is for; it stands in the audit and in the history.'))
  reason!: string;
}

const SECURITY = [{ consoleSession: [] }, { apiKey: [] }, { jwt: [] }];
const UNAUTHORIZED: Fault = ['unauthorized', 'Nobody is signed in: sign in at /console.'];
const OF_SESSIONS: readonly Fault[] = [
  UNAUTHORIZED,
  ['forbidden', 'This needs the scope console, which client orders lacks.'],
  'rate_limited',
  'too_many_requests',
];
const OF_APPS: readonly Fault[] = [...OF_SESSIONS, 'unknown_app'];
const LOOKS = { access: 'public', port: 'admin', session: 'console', security: SECURITY } as const;
const ACTS = { ...LOOKS, session: 'console:act' } as const;
const NO_TOKEN_FOR_TYPE: Fault = [
  'no_token_for_app_type',
  'The app "site" is of type website, which has no access token: users log in to it, and nothing else. Name an app that has one.',
];
const app = { ...text, description: 'Its alias.' };

export const MAX_ROWS = 1000;
export const MAX_EVENTS = 1000;

export const SIGN_IN: ApiRoute = {
  access: 'public',
  port: 'admin',
  summary: 'Sign in at the console',
  description:
    'With an API key or a JWT of the scope `console`. The session is a cookie for 8 hours; it ends before when the key or the client is removed.',
  body: { shape: SignInRequest, example: { key: 'tbk_…' } },
  answers: { 200: { description: 'Signed in', schema: sessionSchema } },
  faults: [
    ...OF_SESSIONS,
    'invalid_request',
    'jwt_rejected',
    'jwt_expired',
    'jwt_wrong_audience',
    'jwt_unknown_subject',
    'jwt_keys_unavailable',
    'unsupported_media_type',
  ],
};

export const READ_SESSION: ApiRoute = {
  ...LOOKS,
  summary: 'Who is signed in',
  answers: { 200: { description: 'The session', schema: sessionSchema } },
  faults: OF_SESSIONS,
};

export const SIGN_OUT: ApiRoute = {
  ...LOOKS,
  summary: 'Sign out',
  description: 'Takes the cookie out of the browser.',
  answers: { 204: { description: 'Signed out' } },
  faults: OF_SESSIONS,
};

export const LIST_ROWS: ApiRoute = {
  ...LOOKS,
  summary: 'The apps that the client may see, by name',
  query: {
    limit: { type: 'integer', minimum: 1, maximum: MAX_ROWS, description: 'Left out: 1,000.' },
    after: { ...text, description: '`next` of the page before.' },
  },
  answers: { 200: { description: 'Apps', schema: rowsSchema } },
  faults: [...OF_SESSIONS, ['invalid_request', '"limit" must be a whole number from 1 to 1000.']],
};

export const READ_APP: ApiRoute = {
  ...LOOKS,
  summary: 'One app: its state, who uses it, how to use it',
  path: { app: { ...app, required: true } },
  answers: { 200: { description: 'The app', schema: detailSchema } },
  faults: OF_APPS,
};

export const READ_HISTORY: ApiRoute = {
  ...LOOKS,
  summary: 'What happened to the token of an app within 7 days, the newest first',
  path: { app: { ...app, required: true } },
  query: {
    before: { ...text, description: '`next` of the page before.' },
    limit: { type: 'integer', minimum: 1, maximum: MAX_EVENTS, description: 'Left out: 200.' },
  },
  answers: { 200: { description: 'Events', schema: historySchema } },
  faults: [
    ...OF_APPS,
    ['invalid_request', '"limit" must be a whole number from 1 to 1000.'],
    ['store_unavailable', 'The history cannot be read: no connection to Redis.', { retryAfterSeconds: 2 }],
  ],
};

export const PROBE: ApiRoute = {
  ...ACTS,
  summary: 'Try the token of an app at the platform',
  description: 'A dead one is reported in the name of the client, and so replaced.',
  path: { app: { ...app, required: true } },
  answers: { 200: { description: 'What the platform said', schema: probeSchema } },
  faults: [...OF_APPS, 'no_token_yet', 'token_expired', 'held_elsewhere', NO_TOKEN_FOR_TYPE],
};

export const FORCE: ApiRoute = {
  ...ACTS,
  summary: 'Replace the token of an app',
  description: `As \`POST /token/refresh\` with \`force\`: within the same budget, and audited with the reason, of at most ${MAX_REASON} characters.`,
  path: { app: { ...app, required: true } },
  body: { shape: ForceRequest, example: { reason: 'The token leaked into a log.' } },
  answers: { 200: { description: 'What became of it', schema: forcedSchema } },
  faults: [...OF_APPS, 'invalid_request', 'unsupported_media_type', NO_TOKEN_FOR_TYPE],
};

export const LIST_CALLERS: ApiRoute = {
  ...LOOKS,
  summary: 'The clients: what they may do and what they used last',
  description: 'A client that does not see all apps sees itself.',
  answers: { 200: { description: 'Clients', schema: callersSchema } },
  faults: OF_SESSIONS,
};

export const READ_SYSTEM: ApiRoute = {
  ...LOOKS,
  summary: 'Replicas, store, platforms and configuration',
  answers: { 200: { description: 'The system', schema: systemSchema } },
  faults: OF_SESSIONS,
};

export const OPEN_STREAM: ApiRoute = {
  ...LOOKS,
  summary: 'What changes, pushed',
  description:
    'Server-sent events: `app`, a row that changed, at most once a second for each app; `app_removed`; `history`; `system`; `session_ended`, after which it ends. A comment every 15 s.',
  answers: {
    200: { description: 'A stream without an end', type: 'text/event-stream', schema: text },
  },
  faults: OF_SESSIONS,
};

export const READ_PAGE: ApiRoute = {
  access: 'public',
  port: 'admin',
  summary: 'The page of the console and its files',
  answers: { 200: { description: 'A file', type: 'text/html', schema: text } },
};
