import { gatewayProfile } from './gateway-profile.js';

describe("calls to WeChat's API", () => {
  const profile = gatewayProfile({ apiBaseUrl: 'https://api.weixin.qq.com' });

  it('have the token in the query', () => {
    expect(profile.token).toEqual({ kind: 'query', parameter: 'access_token' });
  });

  it.each([
    '/cgi-bin/token',
    '/cgi-bin/stable_token',
    '/cgi-bin/component',
    '/cgi-bin/component/api_component_token',
    '/cgi-bin/component/a/b',
    '/cgi-bin/openapi/rid/get',
    '/cgi-bin/clear_quota/v2',
    '/sns',
    '/sns/oauth2/access_token',
    '/sns/oauth2/refresh_token',
    '/sns/jscode2session',
    '/sns/userinfo',
  ])('never reach %s, which gives a token away or takes the AppSecret', (path) => {
    expect(profile.ruleOf(path)).toBe('forbidden');
  });

  it.each([
    ['/cgi-bin/clear_quota', 'admin'],
    ['/cgi-bin/ticket/getticket', 'ticket'],
    ['/cgi-bin/tokens', 'open'],
    ['/cgi-bin/componentx', 'open'],
    ['/cgi-bin/openapi/quota/get', 'open'],
    ['/wxa/token', 'open'],
    ['/snsx', 'open'],
  ])('reach %s as one that is %s', (path, rule) => {
    expect(profile.ruleOf(path)).toBe(rule);
  });
});
