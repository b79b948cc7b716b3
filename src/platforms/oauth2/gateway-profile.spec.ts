import fc from 'fast-check';
import { gatewayProfile } from './gateway-profile.js';

describe('calls to an API behind an OAuth 2.0 server', () => {
  const profile = gatewayProfile('https://api.example/v1', 'https://login.example/oauth2/token');
  const errcodeOf = (status: number, challenge?: string | string[]) =>
    profile.errcodeOf({ status, headers: { 'www-authenticate': challenge }, json: null });

  it('show the token as a Bearer, at the configured place, and reach every path that the client may call', () => {
    expect(profile.baseUrl).toBe('https://api.example/v1');
    expect(profile.token).toEqual({ kind: 'header', header: 'authorization', prefix: 'Bearer ' });
    expect(profile.ruleOf('/cgi-bin/token')).toBe('open');
  });

  it.each([
    ['https://api.example', '/v1/Token/', '/v1/token', 'forbidden'],
    ['https://api.example/v1', '/v1/token?tenant=a', '/token', 'forbidden'],
    ['https://api.example/v1', '/v1/token', '/tokens', 'open'],
    ['https://api.example/v1', '/v1token', 'token', 'open'],
    ['https://api.example/v1', '/token', '/token', 'open'],
  ])(
    'never reach the place where tokens are given: API %s, tokens %s, call %s: %s',
    (base, token, path, rule) => {
      expect(gatewayProfile(base, `https://api.example${token}`).ruleOf(path)).toBe(rule);
    },
  );

  it.each([
    [401, 'Bearer realm="a", error="invalid_token", error_description="expired"', 'invalid_token'],
    [401, 'Bearer error=invalid_token', 'invalid_token'],
    [403, 'Bearer error="insufficient_scope"', 'insufficient_scope'],
    [401, 'Basic realm="a"', 401],
    [401, undefined, 401],
    [403, undefined, 403],
  ])('are refused with %i and "%s": %s', (status, challenge, errcode) => {
    expect(errcodeOf(status, challenge)).toBe(errcode);
  });

  it('are not refused with any other status, whatever its headers say', () => {
    const other = fc.integer({ min: 200, max: 599 }).filter((status) => status !== 401 && status !== 403);
    fc.assert(
      fc.property(other, (status) => {
        expect(errcodeOf(status, 'Bearer error="invalid_token"')).toBeNull();
      }),
    );
  });
});
