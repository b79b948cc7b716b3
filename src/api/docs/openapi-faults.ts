import { EXPIRED_KEY } from '../auth/client-access.js';
import { JWT_ANSWERS } from '../auth/jwt/jwt-callers.js';
import type { Access, ApiRoute, Fault } from '../common/api-route.js';
import { problem, problemSchema, type ProblemCode, type ProblemHints } from '../common/problem.js';

/** Examples of errors that several routes have. */
const EXAMPLES: Partial<Record<ProblemCode, readonly [detail: string, hints?: ProblemHints]>> = {
  invalid_request: ['Give "app" only once.'],
  app_required: ['Say which app is meant with "app". It may name: shop, blog.'],
  unauthorized: ['Send an API key as "Authorization: Bearer <key>".'],
  key_expired: [EXPIRED_KEY],
  jwt_rejected: [JWT_ANSWERS.algorithm[1]],
  jwt_expired: [JWT_ANSWERS.expired[1]],
  jwt_wrong_audience: [JWT_ANSWERS.audience[1]],
  jwt_unknown_subject: [JWT_ANSWERS.subject[1]],
  jwt_keys_unavailable: [JWT_ANSWERS.keys_unavailable[1], { retryAfterSeconds: 30 }],
  rate_limited: [
    'Client orders makes more than 5000 requests a second, with a burst of 10000: keep each token for its cache_max_age, or have clients[].rate raised.',
    { retryAfterSeconds: 1 },
  ],
  too_many_requests: [
    'Client orders has 1000 requests under way on this replica: await answers before you send more, or have limits.requestsInFlightPerClient raised.',
    { retryAfterSeconds: 1 },
  ],
  forbidden: ['This needs the scope token:read, which client orders lacks.'],
  virtual_tokens_only: ['This client has virtualTokens: true, so it gets no real token.'],
  unknown_app: ['This API key sees no app of that name. It may name: shop, blog.'],
  payload_too_large: ['The body is larger than 16 KiB.'],
  unsupported_media_type: ['Send the body as JSON, with "Content-Type: application/json".'],
  internal_error: ['The broker failed at this request. Its log says why.'],
  no_token_yet: [
    'The platform gave no token yet: 40164. Add this machine to the IP whitelist.',
    { errcode: 40164, retryAfterSeconds: 30 },
  ],
  token_expired: [
    'The token ran out and the platform gave no new one.',
    { errcode: -1, retryAfterSeconds: 2 },
  ],
  held_elsewhere: [
    'There is no token yet: another broker on this Redis, prod:{shop}, fetches for this AppID. Have the callers ask that broker.',
    { retryAfterSeconds: 8 },
  ],
};

const OF_JWTS = [
  'jwt_rejected',
  'jwt_expired',
  'jwt_wrong_audience',
  'jwt_unknown_subject',
  'jwt_keys_unavailable',
] as const;

const OF_LIMITS = ['rate_limited', 'too_many_requests'] as const;

/** The error answers of a route. One status may bear several codes. */
export function faultAnswers(route: ApiRoute): Record<number, object> {
  const problems = faultsOf(route).map(example);
  const answers: Record<number, object> = {};
  for (const status of new Set(problems.map((each) => each.status))) {
    const same = problems.filter((each) => each.status === status);
    answers[status] = {
      description: same.map(({ code }) => code).join(', '),
      content: {
        'application/problem+json': {
          schema: problemSchema,
          examples: Object.fromEntries(same.map((value) => [value.code, { value }])),
        },
      },
    };
  }
  return answers;
}

/** Its own, which may have better examples, and those that follow from what it asks for. */
function faultsOf({ access, query, body, faults: own = [] }: ApiRoute): readonly Fault[] {
  const needsKey = access !== 'public';
  const namesApp = (query && 'app' in query) ?? (body && 'shape' in body);
  const usual: readonly ProblemCode[] = [
    ...(namesApp ? (['invalid_request', 'app_required', 'unknown_app'] as const) : []),
    ...(needsKey
      ? (['unauthorized', 'key_expired', ...OF_JWTS, ...OF_LIMITS, 'internal_error'] as const)
      : []),
    ...(isScope(access) ? (['forbidden'] as const) : []),
    ...(access.startsWith('token:') ? (['virtual_tokens_only'] as const) : []),
    ...(needsKey && body ? (['payload_too_large', 'unsupported_media_type'] as const) : []),
  ];
  const better = (code: ProblemCode) => own.find((fault) => Array.isArray(fault) && fault[0] === code);
  return [...new Set([...usual.map((code) => better(code) ?? code), ...own])];
}

export function isScope(access: Access): boolean {
  return access !== 'public' && access !== 'any_key';
}

function example(fault: Fault) {
  if (typeof fault !== 'string') return problem(...fault);
  const known = EXAMPLES[fault];
  if (!known) throw new Error(`There is no example of ${fault}: give the route one.`);
  return problem(fault, ...known);
}
