import { CONSOLE_CLIENTS, ConsoleVisitor } from '../../../test/support/console-visitor.js';
import { apiClient, keyOf } from '../../../test/support/create-edge.js';

const HOUR_MS = 60 * 60 * 1000;
const clientWithKeyOf = (key: string, name: string) => apiClient(key, { name, scopes: ['console'] });

describe('a session of the console', () => {
  const visit = ConsoleVisitor.forTests();
  const send: ConsoleVisitor['send'] = (...request) => visit.current.send(...request);
  const signIn: ConsoleVisitor['signIn'] = (...request) => visit.current.signIn(...request);

  it('begins with a key of the scope console, in a cookie that no script reads', async () => {
    const response = await signIn(keyOf('viewer'));
    expect(response.json()).toEqual({
      client: 'viewer',
      can_act: false,
      csrf: expect.stringMatching(/^[\w-]{24}$/) as string,
      expires_at: new Date(8 * HOUR_MS).toISOString(),
      broker_version: '1.2.3',
    });
    expect(response.headers['set-cookie']).toMatch(
      /^console_session=[\w-]+; Path=\/console; Max-Age=28800; HttpOnly; SameSite=Strict$/,
    );
    expect(visit.current.edge.audit.entries).toMatchObject([
      { action: 'console.sign_in', client: 'viewer', status: 200 },
    ]);
  });

  it('does not begin with another key, whose address is soon answered 429', async () => {
    const codes = [];
    for (const key of [keyOf('orders'), 'a', 'b', 'c', 'd']) {
      const response = await signIn(key);
      expect(response.headers['set-cookie']).toBeUndefined();
      codes.push([response.statusCode, response.json<{ code: string }>().code]);
    }
    const wrong = [401, 'unauthorized'];
    expect(codes).toEqual([[403, 'forbidden'], wrong, wrong, wrong, [429, 'rate_limited']]);
  });

  it('is told, and ends in the browser', async () => {
    expect((await send('GET', '/session')).json()).toMatchObject({
      client: 'ops',
      can_act: true,
      csrf: visit.current.csrf,
    });
    const end = await send('DELETE', '/session');
    expect([end.statusCode, end.headers['set-cookie']]).toEqual([
      204,
      'console_session=; Path=/console; Max-Age=0; HttpOnly; SameSite=Strict',
    ]);
  });

  it.each<[string, () => void]>([
    ['after 8 hours', () => void (visit.current.edge.clock.nowMs = 8 * HOUR_MS)],
    [
      'with its client',
      () => {
        visit.current.replace(CONSOLE_CLIENTS.slice(1));
      },
    ],
    [
      'with its key',
      () => {
        visit.current.replace([clientWithKeyOf('other', 'ops')]);
      },
    ],
    [
      'with a key that is another client’s now',
      () => {
        visit.current.replace([clientWithKeyOf('ops', 'else')]);
      },
    ],
  ])('ends %s', async (_when, happens) => {
    expect((await send('GET', '/apps')).statusCode).toBe(200);
    happens();
    const response = await send('GET', '/apps');
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([401, 'unauthorized']);
  });

  it('sees only what its client may still see', async () => {
    visit.current.replace([apiClient('ops', { scopes: ['console'], apps: ['blog'] })]);
    expect((await send('GET', '/apps')).json<{ items: object[] }>().items).toMatchObject([{ app: 'blog' }]);
    expect((await send('POST', '/apps/blog/probe')).statusCode).toBe(403);
    visit.current.replace([apiClient('ops', { scopes: ['token:read'] })]);
    expect((await send('GET', '/apps')).statusCode).toBe(403);
  });

  it.each([
    ['none', ''],
    ['garbage', 'console_session=Zm9v'],
    ['too much', `console_session=${'a'.repeat(5000)}`],
  ])('is needed: %s', async (_what, text) => {
    visit.current.cookie = text;
    expect((await send('GET', '/apps')).statusCode).toBe(401);
  });

  it('cannot be changed', async () => {
    const sealed = visit.current.cookie.slice('console_session='.length);
    for (const at of [0, 20, sealed.length - 2]) {
      const other = sealed[at] === 'A' ? 'B' : 'A';
      visit.current.cookie = `console_session=${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`;
      expect((await send('GET', '/apps')).statusCode).toBe(401);
    }
  });

  it('changes nothing without its csrf', async () => {
    for (const headers of [{}, { 'x-csrf-token': 'wrong' }, { 'x-csrf-token': `${visit.current.csrf}x` }]) {
      const response = await send('POST', '/apps/shop/probe', {}, headers);
      expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([403, 'forbidden']);
    }
    expect(visit.current.edge.broker.tests).toEqual([]);
  });

  it('is not needed by a key in the header, nor is a csrf', async () => {
    visit.current.cookie = '';
    const headers = { authorization: `Bearer ${keyOf('ops')}` };
    expect((await send('GET', '/apps', undefined, headers)).statusCode).toBe(200);
    expect((await send('POST', '/apps/shop/probe', {}, headers)).statusCode).toBe(200);
    const wrong = { authorization: `Bearer ${keyOf('orders')}` };
    expect((await send('GET', '/apps', undefined, wrong)).statusCode).toBe(403);
  });
});
