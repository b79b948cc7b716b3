import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { findLeaks } from './support/find-leaks.js';
import type { HttpAnswer } from './support/http-client.js';
import { APPS, EXCHANGE, KEYS, LANDING, LoginWorld, QQ_TOKEN } from './support/login-world.js';

/** What QQ's users have is due for a refresh from then on. */
const QQ_DUE_MS = 3200;

describe('logins over two replicas and one Redis', () => {
  let world: LoginWorld;
  /** Users of QQ who logged in at the start, and when. */
  let qqUsers: { readonly mary: string; readonly john: string; readonly sinceMs: number };
  beforeAll(async () => {
    world = await LoginWorld.start();
    const [mary, john] = [await world.loggedIn('qq', 'mary'), await world.loggedIn('qq', 'john')];
    qqUsers = { mary, john, sinceMs: performance.now() };
  });
  afterAll(() => world.stop());
  const onBoth = (times: number, ask: (replica: BrokerProcess) => Promise<HttpAnswer>) =>
    Promise.all(Array.from({ length: times }, (_, index) => ask(world.replicas[index % 2 === 0 ? 0 : 1])));

  it('send a code once for 50 native exchanges at once, and give one answer', async () => {
    const code = world.newCode();
    const request = await world.returned(code);
    const answers = await onBoth(50, (replica) => world.ask(replica, 'exchange', request));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({
      scope: ['snsapi_base'],
      snapshot: false,
      session: expect.stringMatching(/^tbs_/),
    });
    expect(world.sent(code)).toBe(1);
  });

  it.each(['shop', 'mini'] as const)(
    'send a code of %s once for 50 drop-in exchanges at once',
    async (app) => {
      const code = world.newCode(app);
      const [, second] = world.replicas;
      const answers = await onBoth(50, (replica) => world.dropIn(replica, code, KEYS.orders, app));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers[0]?.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(answers[0]?.body.openid).toEqual(expect.any(String));
      expect((await world.dropIn(second, code, KEYS.billing, app)).body.errcode).toBe(40163);
      const native = app === 'shop' ? await world.returned(code) : { app, js_code: code };
      expect((await world.ask(second, 'exchange', native)).body.code).toBe('code_used');
      expect(world.sent(code)).toBe(1);
    },
  );

  it('take a lost answer for a spent code, on both replicas and both surfaces', async () => {
    const [first, second] = world.replicas;
    const native = world.newCode();
    const request = await world.returned(native);
    world.wechat.addFault({ path: EXCHANGE, reset: 'after' });
    expect((await world.ask(first, 'exchange', request)).body).toMatchObject({
      status: 502,
      code: 'exchange_outcome_unknown',
      action: 'reauthorize',
    });
    expect((await world.ask(second, 'exchange', request)).body.code).toBe('exchange_outcome_unknown');
    const code = world.newCode();
    world.wechat.addFault({ path: EXCHANGE, status: 502 });
    expect((await world.dropIn(first, code)).body.errcode).toBe(40163);
    expect((await world.dropIn(second, code)).body.errcode).toBe(40163);
    expect([world.sent(native), world.sent(code)]).toEqual([1, 1]);
  });

  it('use a state up once for both: by another code, and by the fifth wrong binding', async () => {
    const [first, second] = world.replicas;
    const code = world.newCode();
    const request = await world.returned(code);
    expect((await world.ask(first, 'exchange', request)).status).toBe(200);
    const other = { ...request, code: world.newCode() };
    expect((await world.ask(second, 'exchange', other)).body).toMatchObject({
      status: 409,
      code: 'state_used',
    });
    const tried = await world.returned(world.newCode());
    const codes: unknown[] = [];
    for (const replica of [first, second, first, second, first]) {
      const binding = 'x'.repeat(43);
      codes.push((await world.ask(replica, 'exchange', { ...tried, binding })).body.code);
    }
    expect(codes).toEqual(Array(5).fill('state_mismatch'));
    expect((await world.ask(second, 'exchange', tried)).body).toMatchObject({
      status: 409,
      code: 'state_used',
    });
    expect([world.sent(other.code), world.sent(tried.code)]).toEqual([0, 0]);
  });

  it('send a browser on with one ticket, whichever replica it comes back to, and redeem it once', async () => {
    const [first, second] = world.replicas;
    const { state, binding } = await world.begin('hosted');
    const code = world.newCode('hosted');
    const landed = await Promise.all(
      [first, second, first].map((one) => world.callback(one, { code, state })),
    );
    expect(new Set(landed.map(({ status, location }) => `${String(status)} ${String(location)}`)).size).toBe(
      1,
    );
    const [{ ticket, location } = { ticket: '', location: '' }] = landed;
    expect(location).toBe(`${LANDING}?ticket=${String(ticket)}`);
    expect(world.sent(code)).toBe(1);
    expect((await world.callback(second, { code: 'another', state })).status).toBe(409);

    const redeem = { ticket, binding };
    const wrong = { ticket, binding: 'x'.repeat(43) };
    expect((await world.ask(second, 'redeem', redeem, KEYS.billing)).body.code).toBe('ticket_unknown');
    expect((await world.ask(second, 'redeem', wrong)).body.code).toBe('state_mismatch');
    const redeemed = await Promise.all([first, second].map((one) => world.ask(one, 'redeem', redeem)));
    expect(redeemed.map(({ body }) => body.code ?? 'redeemed').sort()).toEqual(['redeemed', 'ticket_used']);
    const session = redeemed.find(({ status }) => status === 200)?.body.session;
    expect((await world.ask(first, 'tokens', { session })).status).toBe(200);

    const refusal = await world.begin('hosted');
    expect((await world.callback(second, { state: refusal.state })).location).toBe(
      `${LANDING}?error=access_denied`,
    );
    expect((await world.callback(first, { state: refusal.state, code: 'late' })).status).toBe(409);
    const lost = await world.begin('hosted');
    world.wechat.addFault({ path: EXCHANGE, reset: 'after' });
    expect((await world.callback(first, { state: lost.state, code: world.newCode('hosted') })).location).toBe(
      `${LANDING}?error=exchange_outcome_unknown`,
    );
  });

  it('keep a mini program’s session_key, open what is encrypted with it, and see when it is replaced', async () => {
    const [first, second] = world.replicas;
    const { body, status } = await world.ask(first, 'exchange', {
      app: 'mini',
      js_code: world.newCode('mini'),
    });
    expect(status).toBe(200);
    const { session } = body;
    const key = await world.ask(second, 'session/key', { session });
    expect(key.body.session_key).toEqual(expect.any(String));
    expect((await world.ask(second, 'session/key', { session }, KEYS.billing)).body.code).toBe(
      'session_unknown',
    );
    expect((await world.ask(second, 'session/check', { session })).body).toEqual({ valid: true });
    const { appId } = APPS.mini;
    const seal = () => {
      const { encrypted_data, iv } = world.wechat.login.encrypt({
        appId,
        user: 'mary',
        data: { city: '深圳' },
      });
      return { session, encrypted_data, iv };
    };
    const opened = await world.ask(first, 'session/decrypt', seal());
    expect(opened.body.data).toMatchObject({ city: '深圳' });
    const { code } = world.wechat.login.createPhoneCode({ appId, user: 'mary' });
    const phone = await world.ask(second, 'phone', { app: 'mini', code: world.keep(code) });
    expect(phone.body.phone_info).toMatchObject({ purePhoneNumber: '13800138000' });

    world.keep(world.wechat.login.renewSessionKey({ appId, user: 'mary' }));
    expect((await world.ask(second, 'session/check', { session })).body).toEqual({ valid: false });
    expect((await world.ask(first, 'session/decrypt', seal())).body).toMatchObject({
      status: 409,
      code: 'reauthorize_required',
    });
  });

  it('give a user’s own tokens on either replica, relay them on both, and end on both at once', async () => {
    const [first, second] = world.replicas;
    const session = await world.loggedIn('shop', 'mary', 'snsapi_userinfo');
    const answers = await Promise.all([first, second].map((one) => world.ask(one, 'tokens', { session })));
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const { access_token, refresh_token, openid } = answers[0]?.body as Record<string, string>;
    const user = { access_token: access_token ?? '', openid: openid ?? '' };
    expect((await world.sns(second, '/auth', user)).body).toMatchObject({ errcode: 0 });
    expect((await world.sns(first, '/userinfo', user)).body).toMatchObject({
      openid,
      nickname: 'mary 小明😀',
    });
    const renewal = {
      appid: APPS.shop.appId,
      grant_type: 'refresh_token',
      refresh_token: refresh_token ?? '',
    };
    world.wechat.addFault({ path: '/sns/oauth2/refresh_token', reset: 'after' });
    expect((await world.sns(second, '/oauth2/refresh_token', renewal)).body.errcode).toBe(50002);
    expect((await world.sns(first, '/oauth2/refresh_token', renewal)).body).toMatchObject({ openid });
    const unknown = { ...renewal, refresh_token: 'x'.repeat(110) };
    expect((await world.sns(second, '/oauth2/refresh_token', unknown)).body.errcode).toBe(40030);
    world.wechat.login.revokeUserTokens({ appId: APPS.shop.appId, user: 'mary' });
    expect((await world.sns(second, '/userinfo', user)).body.errcode).toBe(42007);
    expect((await world.ask(second, 'logout', { session })).status).toBe(204);
    expect((await world.ask(first, 'userinfo', { session })).body.code).toBe('session_unknown');
  });

  it('do for strangers what costs no call, and never fail', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom('shop', 'hosted', APPS.shop.appId, '..'),
    );
    const names = [
      'code',
      'js_code',
      'state',
      'appid',
      'secret',
      'grant_type',
      'refresh_token',
      'access_token',
    ];
    const query = fc.array(fc.tuple(fc.constantFrom(...names, 'openid', 'error', 'lang'), text), {
      maxLength: 6,
    });
    const grant: [string, string] = ['grant_type', 'authorization_code'];
    const path = fc.oneof(
      text.map((app) => `/login/callback/${encodeURIComponent(app)}`),
      fc.constantFrom(
        EXCHANGE,
        '/sns/jscode2session',
        '/sns/oauth2/refresh_token',
        '/sns/userinfo',
        '/sns/auth',
      ),
    );
    const before = world.calls();
    await fc.assert(
      fc.asyncProperty(path, query, fc.boolean(), async (where, given, isExchange) => {
        const parameters = new URLSearchParams(isExchange ? [...given, grant] : given);
        const url = `${world.replicas[1].url}${where}?${parameters.toString()}`;
        const { status } = await fetch(url, { redirect: 'manual' });
        expect(where.startsWith('/sns') ? status === 200 : status >= 400 && status < 500).toBe(true);
      }),
      { numRuns: 150 },
    );
    expect(world.calls()).toBe(before);
  });

  it('renew a user of QQ with one call for all who ask', async () => {
    const { mary: session, sinceMs } = qqUsers;
    await sleep(Math.max(0, sinceMs + QQ_DUE_MS - performance.now()));
    const before = world.calls(QQ_TOKEN);
    const answers = await onBoth(20, (replica) => world.ask(replica, 'userinfo', { session }));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers[0]?.body.profile).toMatchObject({ nickname: 'mary 小明😀' });
    expect((await world.ask(world.replicas[1], 'tokens', { session })).status).toBe(200);
    expect(world.calls(QQ_TOKEN)).toBe(before + 1);
  });

  it('go on without Redis where an SDK asks, and say so where a session is needed', async () => {
    const [first] = world.replicas;
    const request = await world.returned(world.newCode());
    world.redis.freeze();
    try {
      const refused = await world.ask(first, 'exchange', request);
      expect(refused).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
      expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
      const code = world.newCode();
      const answer = await world.dropIn(first, code);
      expect(answer.body.openid).toEqual(expect.any(String));
      expect((await world.dropIn(first, code)).text).toBe(answer.text);
      expect(world.sent(code)).toBe(1);
    } finally {
      world.redis.thaw();
    }
    // Redis may have taken the claim all the same, after nobody waited for it any more.
    const { body } = await eventually('a login', async () => {
      const answer = await world.ask(world.replicas[1], 'exchange', request);
      return answer.status === 503 ? undefined : answer;
    });
    expect(body).toMatchObject({ session: expect.stringMatching(/^tbs_/) as string });
  });

  it('never send a code again whose replica was killed in the middle, and end a user of QQ who was being renewed', async () => {
    const [first, second] = world.replicas;
    const native = world.newCode();
    const request = await world.returned(native);
    const code = world.newCode();
    const { john: session } = qqUsers;
    world.wechat.addFault({ path: EXCHANGE, times: 2, hang: true });
    world.qq.addFault({ path: QQ_TOKEN, delayAfterMs: 60_000 });
    const before = world.calls(QQ_TOKEN);
    const gone = [
      world.ask(first, 'exchange', request),
      world.dropIn(first, code),
      world.ask(first, 'userinfo', { session }),
    ].map((one) => one.catch(() => null));
    await eventually('all are sent', () => {
      const isSent = world.sent(native) === 1 && world.sent(code) === 1;
      return isSent && world.calls(QQ_TOKEN) === before + 1;
    });
    await first.kill();
    await Promise.all(gone);
    const [again, dropIn, renewed] = await Promise.all([
      world.ask(second, 'exchange', request),
      world.dropIn(second, code),
      world.ask(second, 'userinfo', { session }),
    ]);
    expect(again.body.code).toBe('exchange_outcome_unknown');
    expect(dropIn.body.errcode).toBe(40163);
    expect([world.sent(native), world.sent(code)]).toEqual([1, 1]);
    // QQ has taken the refresh token, and its successor died with the replica: QQ says so, and is not asked again.
    expect(renewed.body).toMatchObject({ status: 409, code: 'reauthorize_required' });
    const asked = world.calls();
    expect((await world.ask(second, 'userinfo', { session })).body.code).toBe('reauthorize_required');
    expect(world.calls()).toBe(asked);
    // Whoever was renewed before has the successor, because it was stored before the answer.
    expect((await world.ask(second, 'userinfo', { session: qqUsers.mary })).status).toBe(200);
  });

  it('show no secret in logs, audit, metrics, traces, errors, Redis, GET /apps or the OpenAPI document', async () => {
    const [first, second] = world.replicas;
    for (const { code } of [...world.wechat.login.codes(), ...world.qq.codes()]) world.keep(code);
    for (const { token } of [...world.wechat.tokens(), ...world.qq.tokens()]) world.keep(token);
    const shown = {
      metrics: await second.metrics(),
      apps: (await second.get('/apps')).text,
      openapi: (await second.get('/docs/openapi.json')).text,
      redis: await world.redis.dump(),
      refusals: world.refusals.join('\n'),
    };
    await second.stop();
    const outputs = {
      ...shown,
      'first log': first.output(),
      'second log': second.output(),
      traces: world.collector.bodies.join('\n'),
    };
    const secrets = Object.fromEntries(
      [...world.secrets].filter(({ length }) => length >= 16).map((secret) => [secret, secret]),
    );
    expect(Object.keys(secrets).length).toBeGreaterThan(40);
    expect(world.refusals.length).toBeGreaterThan(20);
    expect(shown.metrics).toMatch(/tokenbroker_login_repeated_codes_total\{app="shop"\} [1-9]/);
    const audited = [...first.logs(), ...second.logs()].find(({ event }) => event === 'login.exchange');
    expect(audited).toMatchObject({
      stream: 'audit',
      client: 'orders',
      openid_sha256_8: expect.any(String) as string,
    });
    expect(world.collector.spans.map(({ name }) => name)).toContain('POST /login/exchange');
    for (const [name, text] of Object.entries(outputs)) {
      expect(text.length).toBeGreaterThan(500);
      expect([name, findLeaks(text, secrets)]).toEqual([name, []]);
    }
  });
});
