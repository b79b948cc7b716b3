import fc from 'fast-check';
import { NO_STATE, type StoredState } from './transitions.js';
import { readStoredState } from './read-stored-state.js';

const NOW_MS = Date.UTC(2026, 10, 26);
const DAY_MS = 24 * 60 * 60 * 1000;

const STATE: StoredState = {
  record: {
    generation: NOW_MS - 1000,
    base: NOW_MS - 9000,
    since: NOW_MS - 5000,
    value: '61_token',
    issuedAtMs: NOW_MS - 1000.5,
    expiresAtMs: NOW_MS + 7_199_000,
    tokenType: 'DPoP',
    owner: 'replica-1.shop_2-abc123',
    reason: 'scheduled',
  },
  fence: NOW_MS + 5,
  suspect: NOW_MS - 7,
  rolledBack: NOW_MS - 8,
  intent: { fence: NOW_MS + 5, atMs: NOW_MS - 1, inDoubt: true },
  beganAtMs: NOW_MS - 1,
  backOff: {
    untilMs: NOW_MS + 9000,
    class: 'busy',
    errcode: -1,
    message: 'system error',
    credential: '0123abcd',
    atMs: NOW_MS - 2,
  },
  failures: 3,
  day: 20_783,
  count: { fetches: 7, forced: 2, forceNew: 1, unproven: 3 },
  clients: { orders: 2, 'broker:tickets': 1 },
};

/** The state with one field put in place of another, as JSON would carry it. */
function withField(path: string, value: unknown): unknown {
  const copy = structuredClone(STATE) as unknown as Record<string, Record<string, unknown>>;
  const [outer = '', inner] = path.split('.');
  if (inner === undefined) return { ...copy, [outer]: value };
  return { ...copy, [outer]: { ...copy[outer], [inner]: value } };
}

describe('reading a stored state', () => {
  it('gives back what was stored', () => {
    expect(readStoredState(JSON.parse(JSON.stringify(STATE)), NOW_MS)).toEqual(STATE);
  });

  it.each([
    null,
    undefined,
    7,
    'text',
    [],
    {},
    { record: [] },
    { record: {} },
    JSON.parse('{"__proto__":1}'),
  ])('finds nothing in %j', (stored) => {
    expect(readStoredState(stored, NOW_MS)).toEqual(NO_STATE);
  });

  const FENCES = ['fence', 'suspect', 'rolledBack'];
  const WRONG_NUMBERS = [2 ** 53 - 3, NOW_MS + DAY_MS + 1, -1, 1.5, 1e300, '1', null, Infinity, {}];

  it.each(FENCES.flatMap((field) => WRONG_NUMBERS.map((value) => [field, value] as const)))(
    'takes a %s of %j for none',
    (field, value) => {
      expect(readStoredState(withField(field, value), NOW_MS)).toEqual({ ...STATE, [field]: 0 });
    },
  );

  it.each(['fetches', 'forced', 'forceNew', 'unproven'])('takes a wrong count of %s for none', (field) => {
    for (const value of [-1, 1e9, 0.5, '7', null]) {
      expect(readStoredState(withField(`count.${field}`, value), NOW_MS)).toEqual(
        withField(`count.${field}`, 0),
      );
    }
  });

  it('takes callers that cannot be for none, and no more than a thousand', () => {
    const clients = { orders: 2, '<b>': 1, mail: -1, blog: '7' };
    expect(readStoredState(withField('clients', clients), NOW_MS).clients).toEqual({ orders: 2 });
    expect(readStoredState(withField('clients', ['orders']), NOW_MS).clients).toEqual({});
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`client-${index}`, 1]));
    expect(Object.keys(readStoredState(withField('clients', many), NOW_MS).clients)).toHaveLength(1000);
  });

  it('takes a credential that is no short hash for none', () => {
    for (const value of ['0123ABCD', 'a-secret-in-full', 7]) {
      expect(readStoredState(withField('backOff.credential', value), NOW_MS).backOff?.credential).toBeNull();
    }
  });

  it.each(['failures', 'day'])('takes a wrong %s for none', (field) => {
    for (const value of [-1, 1e9, 0.5, '7', null]) {
      expect(readStoredState(withField(field, value), NOW_MS)).toEqual({ ...STATE, [field]: 0 });
    }
  });

  it.each([
    ['record.generation', 0],
    ['record.generation', NOW_MS + DAY_MS + 1],
    ['record.generation', 9_007_199_254_740_991],
    ['record.value', ''],
    ['record.value', 'two words'],
    ['record.value', 'x'.repeat(5001)],
    ['record.value', 7],
    ['record.issuedAtMs', NOW_MS + DAY_MS + 1],
    ['record.issuedAtMs', -1],
    ['record.issuedAtMs', null],
    ['record.expiresAtMs', '9'],
    ['record.expiresAtMs', null],
  ])('takes a record with %s of %j for none', (path, value) => {
    expect(readStoredState(withField(path, value), NOW_MS)).toEqual({ ...STATE, record: null });
  });

  it('lets no token live for longer than 30 days from its fetch', () => {
    const { record } = readStoredState(withField('record.expiresAtMs', 9_007_199_254_740_991), NOW_MS);
    expect(record?.expiresAtMs).toBe(NOW_MS - 1000.5 + 30 * DAY_MS);
  });

  it('takes the other fields of a record for what is likely where they are wrong', () => {
    for (const [field, wrong, likely] of [
      ['base', -1, 0],
      ['since', NOW_MS, NOW_MS - 1000],
      ['owner', 'a\nb', ''],
      ['reason', 'because', 'cold'],
    ] as const) {
      const { record } = readStoredState(withField(`record.${field}`, wrong), NOW_MS);
      expect(record).toEqual({ ...STATE.record, [field]: likely });
    }
  });

  it('takes a record with a type of token that is no word for one without', () => {
    const { record } = readStoredState(withField('record.tokenType', 'a b'), NOW_MS);
    expect(record).toEqual({ ...STATE.record, tokenType: undefined });
  });

  it.each([
    ['intent.fence', 9_007_199_254_740_991],
    ['intent.fence', 0],
    ['intent.atMs', NOW_MS + DAY_MS + 1],
    ['intent', 'x'],
  ])('takes an intent with %s of %j for none', (path, value) => {
    expect(readStoredState(withField(path, value), NOW_MS)).toEqual({ ...STATE, intent: null });
  });

  it('takes a wait of more than a day for none', () => {
    for (const untilMs of [NOW_MS + DAY_MS + 1, 9_007_199_254_740_991, -1, null]) {
      expect(readStoredState(withField('backOff.untilMs', untilMs), NOW_MS).backOff).toBeNull();
    }
    expect(readStoredState(withField('backOff.untilMs', NOW_MS + DAY_MS), NOW_MS).backOff).not.toBeNull();
  });

  it('keeps the name of what was wrong with the network, if it can be one', () => {
    const faultOf = (fault: unknown) =>
      readStoredState(withField('backOff.fault', fault), NOW_MS).backOff?.fault;
    expect(faultOf('answer_timeout')).toBe('answer_timeout');
    expect(['<b>', 7, 'x'.repeat(41), null].map(faultOf)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('names the error of a wait by a number or by a short word', () => {
    const codeOf = (errcode: unknown) =>
      readStoredState(withField('backOff.errcode', errcode), NOW_MS).backOff?.errcode;
    expect(['invalid_client', 40001].map(codeOf)).toEqual(['invalid_client', 40001]);
    expect(['x'.repeat(65), '<b>', 'two words', '', 1.5, {}].map(codeOf)).toEqual(Array(6).fill(null));
  });

  it('shows the reason of a wait on one bounded line, with known words only', () => {
    const stored = withField('backOff', {
      untilMs: NOW_MS + 1,
      class: '<script>',
      errcode: 1e300,
      message: `a\u0000\n\u202e\ud800b${'x'.repeat(1e6)}`,
      atMs: 'yesterday',
    });
    expect(readStoredState(stored, NOW_MS).backOff).toEqual({
      untilMs: NOW_MS + 1,
      class: 'unavailable',
      credential: null,
      errcode: null,
      message: `ab${'x'.repeat(298)}`,
      atMs: 0,
    });
  });

  it('is bounded, and the same when it is read twice, whatever is stored', () => {
    const anything = fc.anything({
      withNullPrototype: true,
      values: [fc.double(), fc.maxSafeInteger(), fc.string()],
    });
    const field = fc.constantFrom(...Object.keys(STATE));
    const stored = fc.oneof(
      anything,
      fc.tuple(field, anything).map(([name, value]) => ({ ...STATE, [name]: value })),
      fc
        .tuple(field, fc.string(), anything)
        .map(([name, inner, value]) => withField(`${name}.${inner.replaceAll('.', '')}`, value)),
    );
    fc.assert(
      fc.property(stored, (value) => {
        const state = readStoredState(value, NOW_MS);
        const { record, intent, backOff } = state;
        const ahead = [state.fence, state.suspect, state.rolledBack, state.beganAtMs, record?.generation];
        for (const number of [...ahead, intent?.fence, intent?.atMs, backOff?.untilMs]) {
          expect(number ?? 0).toBeGreaterThanOrEqual(0);
          expect(number ?? 0).toBeLessThanOrEqual(NOW_MS + DAY_MS);
        }
        if (record) expect(record.expiresAtMs - record.issuedAtMs).toBeLessThanOrEqual(30 * DAY_MS);
        expect(readStoredState(state, NOW_MS)).toEqual(state);
      }),
      { numRuns: 500 },
    );
  });
});
