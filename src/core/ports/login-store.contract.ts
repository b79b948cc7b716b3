import type {
  BeginLogin,
  CodeClaim,
  LoginIdentity,
  LoginStore,
  OpenLogin,
  UserSession,
} from './login-store.js';
import { MAX_MISMATCHES } from './login-store.js';

/** One implementation under test. */
export interface LoginStoreUnderTest {
  /** With `CONTRACT_TIMES`. */
  readonly store: LoginStore;
  /** Lets this much time go by. */
  elapse(ms: number): Promise<void>;
}

export const CONTRACT_TIMES = { repeatMs: 30_000, spentMs: 90_000 };

const PENDING_MS = 30_000;
const LIFE_MS = 50_000;
const LOCK_MS = 20_000;
/** For all tests of login stores. */
export const SHOP: LoginIdentity = { name: 'shop', provider: 'fake', appId: 'wx0123456789abcdef' };
const HANDLE = `tbs_${'h'.repeat(52)}`;
export const LOGIN: OpenLogin = {
  way: 'direct',
  client: 'orders',
  proof: `b:${'p'.repeat(43)}`,
  redirectUri: 'https://shop.example.com/back',
  landing: null,
  answer: null,
};
const ANSWER = { openid: 'mary', scope: ['base'], snapshot: false, session: HANDLE, expiresInSeconds: 60 };
const ANSWERED = { kind: 'answered', answer: ANSWER, body: null, ticket: null } as const;
const REFUSED = {
  kind: 'refused',
  errcode: 40029,
  message: 'invalid code',
  meaning: 'code_invalid',
} as const;
const SESSION: UserSession = {
  client: 'orders',
  openid: 'mary',
  scope: ['base'],
  tokens: { accessToken: 'access', expiresAtMs: 1e12, refreshToken: 'refresh' },
  expiresAtMs: 2e12,
  isOver: false,
};
const CHECK = { state: 'the-state', way: 'direct', client: 'orders', proof: LOGIN.proof } as const;

function claimOf(changes: Partial<CodeClaim> = {}): CodeClaim {
  return { code: 'the-code', id: 'attempt-1', caller: 'c'.repeat(43), pendingMs: PENDING_MS, ...changes };
}

/** What logins rely on, and no more. */
export function describeLoginStore(name: string, create: () => Promise<LoginStoreUnderTest>): void {
  describe(`${name} as a login store`, () => {
    let store: LoginStore;
    let elapse: (ms: number) => Promise<void>;
    beforeEach(async () => {
      const harness = await create();
      store = harness.store;
      elapse = (ms) => harness.elapse(ms);
    });
    const open = (changes: Partial<OpenLogin> = {}): Promise<void> =>
      store.open(SHOP, CHECK.state, { ...LOGIN, ...changes }, LIFE_MS);
    const begin = async (changes: Partial<typeof CHECK> | object = {}, claim: CodeClaim | null = claimOf()) =>
      store.begin(SHOP, { check: { ...CHECK, ...changes }, claim });
    const kindOf = async (request: BeginLogin): Promise<string> => (await store.begin(SHOP, request)).kind;

    describe('of states', () => {
      it('gives what a state stands for to its client with its proof, and lets nobody else use it', async () => {
        await open();
        expect(await begin({ state: 'another' })).toMatchObject({ kind: 'unknown', login: null });
        expect(await begin({ client: 'billing' })).toMatchObject({ kind: 'unknown' });
        expect(await begin({ way: 'hosted' })).toMatchObject({ kind: 'unknown' });
        expect(await begin({ proof: `b:${'q'.repeat(43)}` })).toMatchObject({
          kind: 'mismatch',
          login: null,
        });
        expect(await begin()).toMatchObject({ kind: 'claimed', login: LOGIN });
        const other = { ...SHOP, appId: 'wxfedcba9876543210' };
        expect(await store.begin(other, { check: CHECK, claim: claimOf() })).toMatchObject({
          kind: 'unknown',
        });
      });

      it('is asked without client and proof where only the browser is', async () => {
        await open({ way: 'hosted', landing: 'https://shop.example.com/home' });
        const begun = await begin({ way: 'hosted', client: null, proof: null });
        expect(begun).toMatchObject({ kind: 'claimed', login: { landing: 'https://shop.example.com/home' } });
      });

      it('lets a state be used once, but again with the same code and proof', async () => {
        await open();
        await begin();
        expect(await begin({}, claimOf({ code: 'another' }))).toMatchObject({ kind: 'used' });
        expect(await begin({ proof: `b:${'q'.repeat(43)}` })).toMatchObject({ kind: 'used' });
        expect(await begin()).toMatchObject({ kind: 'pending', login: LOGIN });
        expect(await begin({}, null)).toMatchObject({ kind: 'used' });
      });

      it(`uses a state up at the wrong proof number ${MAX_MISMATCHES}`, async () => {
        await open();
        for (let count = 1; count <= MAX_MISMATCHES; count += 1) {
          expect(await begin({ proof: `b:${'q'.repeat(43)}` })).toMatchObject({ kind: 'mismatch' });
        }
        expect(await begin()).toMatchObject({ kind: 'used' });
      });

      it('tells one that is too old from one that never was, for a while', async () => {
        await open();
        await elapse(LIFE_MS + 50);
        expect(await begin()).toMatchObject({ kind: 'expired' });
        await elapse(CONTRACT_TIMES.spentMs + 50);
        expect(await begin()).toMatchObject({ kind: 'unknown' });
      });

      it('is given to one of many that come at once', async () => {
        await open();
        const codes = Array.from({ length: 20 }, (_, index) => `code-${String(index)}`);
        const begun = await Promise.all(codes.map((code) => begin({}, claimOf({ code, id: code }))));
        expect(begun.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
        expect(begun.filter(({ kind }) => kind === 'used')).toHaveLength(19);
      });

      it('keeps what a ticket is for', async () => {
        const login = { ...LOGIN, way: 'ticket', answer: ANSWER } as const;
        await store.open(SHOP, 'the-ticket', login, LIFE_MS);
        const check = { ...CHECK, state: 'the-ticket', way: 'ticket' } as const;
        expect(await store.begin(SHOP, { check, claim: null })).toMatchObject({ kind: 'claimed', login });
        expect(await kindOf({ check, claim: null })).toBe('used');
      });
    });

    describe('of codes', () => {
      const claim = claimOf();

      it('claims a code for one of many that come at once', async () => {
        const ids = Array.from({ length: 20 }, (_, index) => `attempt-${String(index)}`);
        const kinds = await Promise.all(ids.map((id) => kindOf({ check: null, claim: claimOf({ id }) })));
        expect(kinds.filter((kind) => kind === 'claimed')).toHaveLength(1);
        expect(kinds.filter((kind) => kind === 'pending')).toHaveLength(19);
      });

      it('tells what became of it to the same caller for a while, and nothing to another', async () => {
        await store.begin(SHOP, { check: null, claim });
        await store.finish(SHOP, { claim, outcome: ANSWERED });
        const again = { check: null, claim: claimOf({ id: 'attempt-2' }) };
        expect(await store.begin(SHOP, again)).toMatchObject({ kind: 'finished', outcome: ANSWERED });
        const other = { check: null, claim: claimOf({ caller: 'd'.repeat(43) }) };
        expect(await store.begin(SHOP, other)).toMatchObject({ kind: 'spent', byAnother: true });
        await elapse(CONTRACT_TIMES.repeatMs + 50);
        expect(await store.begin(SHOP, again)).toMatchObject({ kind: 'spent', byAnother: false });
        await elapse(CONTRACT_TIMES.spentMs);
        expect(await kindOf(again)).toBe('claimed');
      });

      it('remembers a refusal for as long as the code counts as spent', async () => {
        await store.begin(SHOP, { check: null, claim });
        await store.finish(SHOP, { claim, outcome: REFUSED });
        await elapse(CONTRACT_TIMES.repeatMs + 50);
        expect(await store.begin(SHOP, { check: null, claim })).toMatchObject({
          kind: 'finished',
          outcome: REFUSED,
        });
      });

      it('takes an attempt without an end for lost once its time is over, and never claims the code again', async () => {
        await store.begin(SHOP, { check: null, claim });
        await elapse(PENDING_MS + 50);
        const again = { check: null, claim: claimOf({ id: 'attempt-2' }) };
        expect(await store.begin(SHOP, again)).toMatchObject({ kind: 'finished', outcome: { kind: 'lost' } });
        await elapse(CONTRACT_TIMES.repeatMs);
        expect(await store.begin(SHOP, again)).toMatchObject({ kind: 'spent', byAnother: false });
      });

      it('remembers a lost answer', async () => {
        await store.begin(SHOP, { check: null, claim });
        await store.finish(SHOP, { claim, outcome: { kind: 'lost' } });
        expect(await store.begin(SHOP, { check: null, claim })).toMatchObject({ outcome: { kind: 'lost' } });
      });

      it('is free again when nothing was sent, for as long as the state lives', async () => {
        await open();
        await begin();
        await store.finish(SHOP, { claim, outcome: null });
        expect(await begin()).toMatchObject({ kind: 'claimed', login: LOGIN });
        await store.finish(SHOP, { claim, outcome: null });
        await elapse(LIFE_MS + 50);
        expect(await begin()).toMatchObject({ kind: 'expired' });
      });

      it('keeps the outcome of the attempt that has the code, whatever a late one says', async () => {
        await store.begin(SHOP, { check: null, claim });
        await store.finish(SHOP, { claim: claimOf({ id: 'late' }), outcome: REFUSED });
        expect(await kindOf({ check: null, claim })).toBe('pending');
        await store.finish(SHOP, { claim: claimOf({ id: 'late' }), outcome: null });
        expect(await kindOf({ check: null, claim })).toBe('pending');
      });
    });

    describe('of sessions', () => {
      const claim = claimOf();
      const keep = (session = SESSION, lifeMs = LIFE_MS): Promise<void> =>
        store.finish(SHOP, { claim, outcome: ANSWERED, session: { handle: HANDLE, session, lifeMs } });

      it('keeps a session for its life', async () => {
        await keep();
        const { session, nowMs } = await store.session(SHOP, HANDLE);
        expect(session).toEqual(SESSION);
        expect(nowMs).toBeGreaterThan(0);
        expect((await store.session(SHOP, 'another')).session).toBeNull();
        await elapse(LIFE_MS + 50);
        expect((await store.session(SHOP, HANDLE)).session).toBeNull();
      });

      it('gives the right to refresh it to one, until it is given up or runs out', async () => {
        await keep();
        expect(await store.lockSession(SHOP, HANDLE, 'one', LOCK_MS)).toBe(true);
        expect(await store.lockSession(SHOP, HANDLE, 'two', LOCK_MS)).toBe(false);
        expect(await store.saveSession(SHOP, HANDLE, 'two', null)).toBe(false);
        expect(await store.lockSession(SHOP, HANDLE, 'two', LOCK_MS)).toBe(false);
        expect(await store.saveSession(SHOP, HANDLE, 'one', null)).toBe(true);
        expect(await store.lockSession(SHOP, HANDLE, 'two', LOCK_MS)).toBe(true);
        await elapse(LOCK_MS + 50);
        expect(await store.lockSession(SHOP, HANDLE, 'one', LOCK_MS)).toBe(true);
      });

      it('replaces it, but brings none back that was ended', async () => {
        await keep();
        const change = { session: { ...SESSION, isOver: true }, lifeMs: LIFE_MS };
        await store.lockSession(SHOP, HANDLE, 'one', LOCK_MS);
        expect(await store.saveSession(SHOP, HANDLE, 'one', change)).toBe(true);
        expect((await store.session(SHOP, HANDLE)).session).toEqual(change.session);
        await store.lockSession(SHOP, HANDLE, 'two', LOCK_MS);
        await store.endSession(SHOP, HANDLE);
        expect(await store.saveSession(SHOP, HANDLE, 'two', change)).toBe(true);
        expect((await store.session(SHOP, HANDLE)).session).toBeNull();
      });

      it('replaces it for nobody whose right has run out, so that an older one takes no place of a newer one', async () => {
        await keep();
        const change = { session: { ...SESSION, isOver: true }, lifeMs: LIFE_MS };
        expect(await store.saveSession(SHOP, HANDLE, 'one', change)).toBe(false);
        await store.lockSession(SHOP, HANDLE, 'one', LOCK_MS);
        await elapse(LOCK_MS + 50);
        await store.lockSession(SHOP, HANDLE, 'two', LOCK_MS);
        expect(await store.saveSession(SHOP, HANDLE, 'one', change)).toBe(false);
        expect((await store.session(SHOP, HANDLE)).session).toEqual(SESSION);
        expect(await store.lockSession(SHOP, HANDLE, 'one', LOCK_MS)).toBe(false);
      });

      it('keeps the session_key of the attempt that began last', async () => {
        const keyed = (key: string, beganAtMs: number) =>
          store.finish(SHOP, {
            claim,
            outcome: ANSWERED,
            sessionKey: { openid: 'mary', key, beganAtMs, lifeMs: LIFE_MS },
          });
        await keyed('key-2', 2000);
        await keyed('key-1', 1000);
        expect(await store.sessionKey(SHOP, 'mary')).toBe('key-2');
        await keyed('key-3', 3000);
        expect(await store.sessionKey(SHOP, 'mary')).toBe('key-3');
        expect(await store.sessionKey(SHOP, 'john')).toBeNull();
        await elapse(LIFE_MS + 50);
        expect(await store.sessionKey(SHOP, 'mary')).toBeNull();
      });
    });

    it('knows for which app a token was handed out, for as long as it lives', async () => {
      await store.noteToken(SHOP, 'a-token', LIFE_MS);
      const other = { ...SHOP, name: 'other' };
      expect(await store.appOfToken([other, SHOP], 'a-token')).toEqual(SHOP);
      expect(await store.appOfToken([other], 'a-token')).toBeNull();
      expect(await store.appOfToken([SHOP], 'another-token')).toBeNull();
      await elapse(LIFE_MS + 50);
      expect(await store.appOfToken([SHOP], 'a-token')).toBeNull();
    });
  });
}
