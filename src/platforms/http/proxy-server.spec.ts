import { egressSection } from '../../../test/support/egress-section.js';
import { proxyFor } from './proxy-server.js';

describe('NO_PROXY', () => {
  const isExempt = (noProxy: string, url: string): boolean => {
    const proxy = 'http://proxy:3128';
    const section = egressSection({ environment: { https: proxy, http: proxy, noProxy } });
    return proxyFor(section, new URL(url)) === null;
  };

  // prettier-ignore
  it.each([
    ['', 'https://api.weixin.qq.com', false],
    ['*', 'https://api.weixin.qq.com', true],
    ['weixin.qq.com', 'https://api.weixin.qq.com', true],
    ['.weixin.qq.com', 'https://api.weixin.qq.com', true],
    ['*.weixin.qq.com', 'https://api.weixin.qq.com', true],
    ['API.Weixin.QQ.com', 'https://api.weixin.qq.com', true],
    ['xin.qq.com', 'https://api.weixin.qq.com', false],
    ['api.weixin.qq.com.evil', 'https://api.weixin.qq.com', false],
    ['localhost, gateway.corp\tqq.com', 'https://gateway.corp', true],
    ['gateway.corp:443', 'https://gateway.corp', true],
    ['gateway.corp:8443', 'https://gateway.corp', false],
    ['gateway.corp:8443', 'https://gateway.corp:8443/v1', true],
    ['gateway.corp:80', 'http://gateway.corp', true],
    ['10.1.2.3', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://11.1.2.3', false],
    ['10.0.0.0/8', 'https://ten.corp', false],
    ['10.0.0.0/99', 'https://10.1.2.3', false],
    ['::1', 'https://[::1]:8443', true],
    ['[::1]:443', 'https://[::1]:8443', false],
    ['fd00::/8', 'https://[fd12::1]', true],
    [',,. :', 'https://gateway.corp', false],
  ])('%j of %s: %s', (noProxy, url, expected) => {
    expect(isExempt(noProxy, url)).toBe(expected);
  });
});

describe('the login of a proxy', () => {
  it.each([
    ['http://proxy:3128', undefined, undefined, null],
    ['http://user:p%40ss@proxy:3128', undefined, undefined, 'user:p@ss'],
    ['http://user@proxy:3128', undefined, 'späte', 'user:späte'],
    ['http://proxy:3128', 'user', undefined, 'user:'],
  ])('of %s with %s and %s', (url, proxyUsername, password, login) => {
    const section = egressSection({
      proxy: url,
      ...(proxyUsername !== undefined && { proxyUsername }),
      ...(password !== undefined && { proxyPassword: password }),
    });
    const { authorization } = proxyFor(section, new URL('https://api.weixin.qq.com')) ?? {};
    expect(authorization).toBe(login && `Basic ${Buffer.from(login).toString('base64')}`);
  });
});
