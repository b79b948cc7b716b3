import type { WechatSimulator } from '@access-token-broker/simulator';
import { newApiKey, newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import { findLeaks } from './support/find-leaks.js';
import { request, type HttpAnswer } from './support/http-client.js';
import { startWorld } from './support/start-world.js';

const KEY = newApiKey();
/** One that this product did not make, so that only its hash is known of it. */
const FOREIGN_KEY = 'p+/=&"?%key of somebody else, 4f1c0d9e7ab36258';
const WRONG_KEY = newApiKey();
const SHOP = { name: 'shop', grant: 'stable' as const, ...newApp() };
const OLD_SHOP = {
  name: 'old-shop',
  grant: 'classic' as const,
  appId: SHOP.appId,
  appSecret: SHOP.appSecret,
};
const BLOG = { name: 'blog', grant: 'classic' as const, ...newApp() };
const MAIL = { name: 'mail', grant: 'stable' as const, ...newApp() };
const CLUB = { name: 'club', grant: 'classic' as const, ...newApp() };
const BLOCKED = { name: 'blocked', grant: 'classic' as const, ...newApp(), ipWhitelist: [] };

describe('the drop-in endpoints', () => {
  let simulator: WechatSimulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    const world = await startWorld({
      apps: [SHOP, OLD_SHOP, BLOG, MAIL, CLUB, BLOCKED],
      keys: { orders: KEY, foreign: FOREIGN_KEY },
      server: { logLevel: 'trace' },
    });
    ({ simulator, broker } = world);
    await broker.ready();
  }, 30_000);

  const classic = (appid: string, secret = KEY, host = broker.url): Promise<HttpAnswer> => {
    const query = new URLSearchParams({ grant_type: 'client_credential', appid, secret });
    return request(`${host}/cgi-bin/token?${query.toString()}`);
  };
  const stable = (appid: string, fields: object = {}, host = broker.url): Promise<HttpAnswer> =>
    request(`${host}/cgi-bin/stable_token`, {
      method: 'POST',
      body: { grant_type: 'client_credential', appid, secret: KEY, ...fields },
    });

  function valueIn({ text, body }: HttpAnswer): string {
    if (typeof body.access_token !== 'string') throw new Error(`No token: ${text}`);
    return body.access_token;
  }

  it('look like those of the platform, with an API key for the secret', async () => {
    const pairs = [
      [await classic(BLOG.appId), await classic(newApp().appId, KEY, simulator.url)],
      [await stable(SHOP.appId), await stable(SHOP.appId, { secret: SHOP.appSecret }, simulator.url)],
      [await stable(SHOP.appId, { secret: WRONG_KEY }), await stable(SHOP.appId, {}, simulator.url)],
      [await classic(SHOP.appId, ''), await classic(SHOP.appId, '', simulator.url)],
      [await classic(''), await classic('', KEY, simulator.url)],
    ] as const;
    for (const [ours, theirs] of pairs.slice(1)) {
      expect(ours.status).toBe(theirs.status);
      expect(ours.headers.get('content-type')).toBe(theirs.headers.get('content-type'));
      expect(Object.keys(ours.body)).toEqual(Object.keys(theirs.body));
      expect(ours.body.errcode).toBe(theirs.body.errcode);
      const words = String(theirs.body.errmsg).split(' rid: ')[0] ?? '';
      expect(String(ours.body.errmsg).startsWith(words)).toBe(true);
    }
    expect(simulator.verdict(valueIn(pairs[0][0]))).toMatchObject({ valid: true, newest: true });
  });

  it('hand out the token of the app with that AppID and that grant', async () => {
    expect(valueIn(await stable(SHOP.appId))).toBe(await broker.token('shop'));
    expect(valueIn(await classic(SHOP.appId))).toBe(await broker.token('old-shop'));
    expect(valueIn(await stable(BLOG.appId))).toBe(await broker.token('blog'));
  });

  it('promise a classic token only to the end of the overlap, and a stable one to its own', async () => {
    const { expires_in: ofClassic } = (await classic(BLOG.appId)).body;
    const { expires_in: ofStable } = (await stable(SHOP.appId)).body;
    // 900 s ahead of 7,200, 300 s of overlap, 30 s of margin; and what the test took until here.
    expect(ofClassic).toBeGreaterThan(6450);
    expect(ofClassic).toBeLessThanOrEqual(6570);
    expect(ofStable).toBeGreaterThan(7050);
    expect(ofStable).toBeLessThanOrEqual(7170);
  });

  it('take force_refresh for a report, which a living token survives', async () => {
    const before = valueIn(await stable(MAIL.appId, { force_refresh: true }));
    expect(valueIn(await stable(MAIL.appId, { force_refresh: true }))).toBe(before);
    expect(simulator.calls(MAIL.appId).fetches).toBe(1);

    simulator.killToken({ appId: MAIL.appId });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => stable(MAIL.appId, { force_refresh: true, secret: FOREIGN_KEY })),
    );
    const [after = '', ...others] = new Set(answers.map(valueIn));
    expect(others).toEqual([]);
    expect(after).not.toBe(before);
    expect(simulator.verdict(after)).toMatchObject({ valid: true, newest: true });
    expect(simulator.calls(MAIL.appId).fetches).toBe(2);
  });

  it('give an SDK that asks again because its token died the next one, fetched once', async () => {
    const before = valueIn(await classic(BLOG.appId));
    expect(valueIn(await classic(BLOG.appId))).toBe(before);
    const { fetches } = simulator.calls(BLOG.appId);

    simulator.killToken({ appId: BLOG.appId });
    const answers = await Promise.all(Array.from({ length: 20 }, () => classic(BLOG.appId)));
    const [after = '', ...others] = new Set(answers.map(valueIn));
    expect(others).toEqual([]);
    expect(after).not.toBe(before);
    expect(simulator.verdict(after)).toMatchObject({ valid: true, newest: true });
    expect(simulator.calls(BLOG.appId).fetches).toBe(fetches + 1);
  });

  it('have an SDK come back within 30 s whose token died just after a heal, and say why', async () => {
    const kill = () => simulator.killToken({ appId: CLUB.appId });
    await classic(CLUB.appId);
    kill();
    const successor = valueIn(await classic(CLUB.appId));
    kill();
    const { body } = await classic(CLUB.appId);
    expect(body.access_token).toBe(successor);
    expect(body.expires_in).toBeLessThanOrEqual(30);

    const apps = JSON.parse((await broker.get('/apps')).text) as Readonly<Record<string, unknown>>[];
    expect(apps.find(({ app }) => app === CLUB.name)).toMatchObject({
      state: 'suspect',
      last_error: { message: expect.stringContaining('a report a moment ago') as string },
    });
    const ticket = await request(
      `${broker.url}/cgi-bin/ticket/getticket?access_token=${successor}&type=jsapi`,
    );
    expect(ticket.body.errmsg).toMatch(/the access token was refused with 40001/);
    expect(ticket.body.errmsg).not.toMatch(/DNS|firewall/);
  });

  it('send an SDK on that wants more of them', async () => {
    const { status, body } = await request(`${broker.url}/cgi-bin/user/info?access_token=x&openid=o`);
    expect(status).toBe(200);
    expect(body).toEqual({
      errcode: 40014,
      errmsg: expect.stringMatching(/^invalid access_token, access-token-broker: .*virtual token/) as string,
    });
  });

  it('say why there is no token', async () => {
    const { status, body } = await classic(BLOCKED.appId);
    expect(status).toBe(200);
    // The broker itself asks again within the next minute.
    expect(body.errcode).toBe(-1);
    expect(body.errmsg).toMatch(/^system error, access-token-broker: no_token_yet: .*40164.*whitelist/);
  });

  it('keep keys out of the log and out of every error, though they came in a URL', async () => {
    const secrets = { KEY, FOREIGN_KEY, WRONG_KEY };
    const shown: string[] = [];
    for (const secret of Object.values(secrets)) {
      const encoded = encodeURIComponent(secret);
      for (const path of [
        `/cgi-bin/token?grant_type=x&appid=${SHOP.appId}&secret=${encoded}`,
        `/cgi-bin/token?grant_type=client_credential&appid=${encoded}&secret=${encoded}`,
        `/cgi-bin/token?grant_type=client_credential&appid=${SHOP.appId}&secret=${encoded}&secret=${encoded}`,
        `/cgi-bin/token/${encoded}`,
        `/cgi-bin/token?secret=%ZZ${encoded}`,
        `/cgi-bin/stable_token?secret=${encoded}`,
        `/cgi-bin/ticket/getticket?access_token=${encoded}&type=jsapi`,
      ]) {
        shown.push((await request(broker.url + path)).text);
      }
      await classic(SHOP.appId, secret);
      shown.push((await stable(secret, { secret })).text);
    }
    shown.push((await broker.get('/metrics')).text, broker.output());
    expect(findLeaks(shown.join('\n'), secrets)).toEqual([]);
    expect(broker.output()).toContain('access.refused');
  });
});
