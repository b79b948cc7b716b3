import { faultsOf, load, withApp } from '../../test/support/config-file.js';

const withUris = (...redirectUris: unknown[]) => withApp({ login: { redirectUris } });

describe('apps[].login', () => {
  it.each([
    'https://shop.example/login/back',
    'https://shop.example',
    'https://shop.example/',
    'https://shop.example:8443/back?shop=1',
    'https://xn--bcher-kva.example/back',
    'http://localhost:3000/back',
    'http://127.0.0.1:3000/back',
    'http://[::1]:3000/back',
  ])('takes %s', (uri) => {
    expect(load(withUris(uri)).apps[0]?.login?.redirectUris).toEqual([uri]);
  });

  it.each([
    ['a path', '/back'],
    ['a number', 5],
    ['http', 'http://shop.example/back'],
    ['http on a name without dots', 'http://shop/back'],
    ['another scheme', 'weixin://back'],
    ['JavaScript', 'javascript:alert(1)'],
    ['a user', 'https://shop.example@evil.example/'],
    ['a fragment', 'https://shop.example/back#x'],
    ['an empty fragment', 'https://shop.example/back#'],
    ['a wildcard', 'https://*.shop.example/back'],
    ['a backslash', 'https://shop.example\\back'],
    ['upper case', 'https://Shop.example/back'],
    ['the default port', 'https://shop.example:443/back'],
    ['dots in the path', 'https://shop.example/a/../back'],
    ['a space', 'https://shop.example/ba ck'],
    ['a blank at its end', 'https://shop.example/back '],
    ['a name that is not in ASCII', 'https://bücher.example/back'],
    ['a parameter named code', 'https://shop.example/back?code=1'],
    ['a parameter named state', 'https://shop.example/back?state=1'],
    ['2,001 characters', `https://shop.example/${'a'.repeat(1980)}`],
  ])('refuses %s as a redirect URI, and does not show it', (_, uri) => {
    const [fault, ...others] = faultsOf(() => load(withUris('https://shop.example/', uri)));
    expect(others).toEqual([]);
    expect(fault).toMatch(/^apps\[0\]\.login\.redirectUris\[1\]: must be a whole address such as https:/);
    expect(fault).not.toContain('evil');
  });

  it('has nowhere to send users to unless it is told', () => {
    expect(load(withApp({})).apps[0]?.login).toEqual({ redirectUris: [] });
  });

  it('keeps the address of the callback without a slash at its end', () => {
    const { apps } = load(withApp({ login: { callbackBaseUrl: 'https://login.example/wechat/' } }));
    expect(apps[0]?.login?.callbackBaseUrl).toBe('https://login.example/wechat');
  });
});

describe('an app of type website', () => {
  it('needs no grant, and is told by its type', () => {
    const { apps, warnings } = load(withApp({ type: 'website', refresh: { upstreamTimeoutSeconds: 3 } }));
    expect(apps[0]).toMatchObject({ type: 'website', shownKind: 'website' });
    expect(warnings).toEqual([]);
  });

  it('says which keys of refresh have no effect', () => {
    const { warnings } = load(
      withApp({ type: 'website', refresh: { aheadSeconds: 100, verifyReports: false } }),
    );
    expect(warnings.map(({ path }) => path)).toEqual([
      'apps[0].refresh.aheadSeconds',
      'apps[0].refresh.verifyReports',
    ]);
  });
});
