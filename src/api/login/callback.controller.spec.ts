import { createEdge, type Edge } from '../../../test/support/create-edge.js';
import { LoginError, type LoginErrorCode } from '../../core/login/login-error.js';

describe('the hosted callback', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge();
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.logins.asked.length = 0;
    edge.audit.entries.length = 0;
    edge.logins.answers.callback = () => ({ redirectTo: 'https://shop.example/back?ticket=tbt_1' });
  });

  const failWith = (code: LoginErrorCode): void => {
    edge.logins.answers.callback = () => {
      throw new LoginError(code);
    };
  };

  it('sends the browser on with 303, and tells no other page where it came from', async () => {
    const { statusCode, headers, payload } = await edge.send('GET', '/login/callback/shop?code=c1&state=s1');
    expect([statusCode, headers.location, payload]).toEqual([
      303,
      'https://shop.example/back?ticket=tbt_1',
      '',
    ]);
    expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' });
    expect(edge.logins.asked).toEqual([
      { method: 'callback', request: { app: 'shop', code: 'c1', state: 's1' } },
    ]);
    expect(edge.audit.entries).toMatchObject([
      { action: 'login.callback', client: null, app: 'shop', status: 303 },
    ]);
  });

  it('takes browsers: an Origin is no reason to refuse', async () => {
    const { statusCode } = await edge.app.inject({
      url: '/login/callback/shop?code=c1&state=s1',
      headers: { origin: 'null' },
    });
    expect(statusCode).toBe(303);
  });

  it.each(['error=access_denied', 'msg=cancelled&code=100000', 'usercancel=1'])(
    'takes for a refusal of the user: %s',
    async (query) => {
      await edge.send('GET', `/login/callback/shop?state=s1&${query}`);
      expect(edge.logins.asked).toEqual([
        { method: 'callback', request: { app: 'shop', code: undefined, state: 's1' } },
      ]);
    },
  );

  it('is for GET alone: who only looks spends nothing', async () => {
    const { statusCode, headers } = await edge.send('HEAD', '/login/callback/shop?code=c1&state=s1');
    expect([statusCode, headers.allow, edge.logins.asked]).toEqual([405, 'GET', []]);
  });

  it.each([
    ['state_unknown', 400],
    ['state_expired', 400],
    ['state_used', 409],
    ['wrong_app_type', 400],
    ['store_unavailable', 503],
  ] as const)(
    'shows people a page in both languages where there is nowhere to go: %s',
    async (code, status) => {
      failWith(code);
      const { statusCode, headers, payload } = await edge.send(
        'GET',
        '/login/callback/shop?code=canary&state=canary',
      );
      expect(statusCode).toBe(status);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
        'x-content-type-options': 'nosniff',
      });
      expect(headers.location).toBe(undefined);
      expect(headers['retry-after'] !== undefined).toBe(status === 503);
      expect(payload).toMatch(/lang="zh-CN"[^]*登录[^]*<section lang="en">[^]*log in again/);
      expect(payload).toContain(code);
      expect(payload).not.toContain('canary');
    },
  );

  it('loads nothing from elsewhere on that page, and runs nothing', async () => {
    failWith('state_unknown');
    const { payload } = await edge.send('GET', '/login/callback/shop?code=c&state=s');
    expect(payload).not.toMatch(/<script|<img|<link|https?:|url\(|src=|href=/i);
  });

  it('shows the page for a parameter that comes twice, and asks nothing', async () => {
    const { statusCode, headers } = await edge.send('GET', '/login/callback/shop?code=a&code=b&state=s');
    expect([statusCode, headers['content-type'], edge.logins.asked]).toEqual([
      400,
      'text/html; charset=utf-8',
      [],
    ]);
  });
});
