import fc from 'fast-check';
import { createLogin, LANDING } from '../../../test/support/create-login.js';
import { isAllowed, withParameter } from './authorization.js';

const ALLOWED = ['https://shop.example.com/login/back', 'https://shop.example.com/login/back?from=wechat'];

/** What has talked other servers into sending a code elsewhere. */
const TRICKS = [
  'https://shop.example.com.evil.example/login/back',
  'https://shop.example.comevil.example/login/back',
  'https://evilshop.example.com/login/back',
  'https://shop.example.com@evil.example/login/back',
  'https://shop.example.com:pass@evil.example/login/back',
  'https://evil.example/https://shop.example.com/login/back',
  'https://evil.example?https://shop.example.com/login/back',
  'https://evil.example#https://shop.example.com/login/back',
  'https://evil.example\\@shop.example.com/login/back',
  'https://shop.example.com\\@evil.example/login/back',
  'https:\\\\shop.example.com/login/back',
  'https:/shop.example.com/login/back',
  'https:///shop.example.com/login/back',
  '//shop.example.com/login/back',
  '/login/back',
  'http://shop.example.com/login/back',
  'HTTPS://shop.example.com/login/back',
  'https://SHOP.example.com/login/back',
  'https://shop.example.com./login/back',
  'https://shop.example.com:443/login/back',
  'https://shop.example.com:8443/login/back',
  'https://shop.example.com/login/back/',
  'https://shop.example.com/login/back/../../evil',
  'https://shop.example.com/login/./back',
  'https://shop.example.com/evil/../login/back',
  'https://shop.example.com/login%2Fback',
  'https://shop.example.com/login/%62ack',
  'https://shop.example.com/login/%2562ack',
  'https://shop.example.com/login/back%00',
  'https://shop.example.com/login/back%0d%0aLocation:%20https://evil.example',
  'https://shop.example.com/login/back\r\nLocation: https://evil.example',
  'https://shop.example.com/login/back ',
  ' https://shop.example.com/login/back',
  '\thttps://shop.example.com/login/back',
  'https://shop.example.com/login/back?',
  'https://shop.example.com/login/back?next=https://evil.example',
  'https://shop.example.com/login/back?from=wechat&from=evil',
  'https://shop.example.com/login/back#',
  'https://shop.example.com/login/back#@evil.example',
  'https://shop.example.com;evil.example/login/back',
  'https://shop。example。com/login/back',
  'https://ѕhop.example.com/login/back',
  'https://xn--hop-tlb.example.com/login/back',
  'javascript://shop.example.com/login/back%0aalert(1)',
  'data:text/html,https://shop.example.com/login/back',
  '',
];

describe('the list of redirect URIs', () => {
  it.each(TRICKS)('stands against %j', async (uri) => {
    const { login, errorOf } = createLogin({ redirectUris: ALLOWED });
    const request = { app: 'shop', client: 'orders', redirectUri: uri };
    expect(await errorOf(login.authorizeUrl(request))).toBe('redirect_uri_not_allowed');
  });

  it('holds nothing but what stands in it', () => {
    expect(ALLOWED.every((uri) => isAllowed(uri, ALLOWED))).toBe(true);
    const near = fc
      .tuple(fc.constantFrom(...ALLOWED), fc.string({ minLength: 1 }), fc.nat(60))
      .map(([uri, text, at]) => uri.slice(0, at) + text + uri.slice(at));
    fc.assert(
      fc.property(
        fc.oneof(near, fc.webUrl(), fc.string()),
        (uri) => isAllowed(uri, ALLOWED) === ALLOWED.includes(uri),
      ),
    );
  });

  it('is left as it is when a parameter is added', () => {
    expect(withParameter(LANDING, 'ticket', 'tbt_x')).toBe(`${LANDING}?ticket=tbt_x`);
    expect(withParameter('https://a.example/b?c=%41', 'error', 'x y')).toBe(
      'https://a.example/b?c=%41&error=x%20y',
    );
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.string(), (uri, value) => {
        const url = new URL(withParameter(uri, 'ticket', value));
        expect(url.searchParams.getAll('ticket').at(-1)).toBe(value);
        expect(url.host).toBe(new URL(uri).host);
      }),
      { numRuns: 50 },
    );
  });
});
