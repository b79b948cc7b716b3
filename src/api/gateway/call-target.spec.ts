import { AllowedCalls } from './allowed-calls.js';
import { parameterOf, readTarget, withToken } from './call-target.js';

const QUERY = { kind: 'query', parameter: 'access_token' } as const;
const BEARER = { kind: 'header', header: 'authorization', prefix: 'Bearer ' } as const;

describe('the target of a call', () => {
  // prettier-ignore
  it.each([
    'cgi-bin/user', '', '//cgi-bin/user', '/cgi-bin//user', '/cgi-bin/user//', '/..', '/../cgi-bin/token', '/cgi-bin/../token',
    '/cgi-bin/..', '/cgi-bin/./token', '/.', '/cgi-bin/%2e%2e/token', '/cgi-bin/%2E%2E/token', '/cgi-bin/.%2e/token',
    '/cgi-bin/%2e/token', '/%2e%2e', '/cgi-bin%2ftoken', '/cgi-bin%2Ftoken', '/%2fevil.example', '/cgi-bin\\token', '/cgi-bin/..\\token',
    '/cgi-bin%5ctoken', '/cgi-bin%5Ctoken', '/cgi-bin/%252e%252e/token', '/cgi-bin%252ftoken', '/cgi-bin/token%00', '/cgi-bin/%0d%0aHost:x',
    '/cgi-bin/user%0a', '/cgi-bin/user%7f', '/cgi-bin/token;x=1', '/cgi-bin/token%3bx', '/cgi-bin/..;/token', '/cgi-bin/%', '/cgi-bin/%2',
    '/cgi-bin/%zz', '/cgi-bin/%c0%ae%c0%ae/token', '/cgi-bin/%ff', '/cgi-bin/user#part', '/cgi-bin/user?a=1#part', '/cgi-bin/us er', '/cgi-bin/用户',
    '/cgi-bin/user\t', '/cgi-bin/%e2%80%ae/token', 'http://evil.example/cgi-bin/user', '@evil.example/cgi-bin/user', '?a=1',
  ])('is refused where it can be read in two ways: %s', (url) => {
    expect(() => readTarget(url)).toThrow('read in two ways');
  });

  it.each([
    ['/cgi-bin/user/info', '/cgi-bin/user/info', ''],
    ['/cgi-bin/user/info?a=//../%2f', '/cgi-bin/user/info', 'a=//../%2f'],
    ['/v1/users/a%40b/?q', '/v1/users/a@b/', 'q'],
    ['/wxa/%E4%B8%AD', '/wxa/中', ''],
    ['/cgi-bin/%74oken', '/cgi-bin/token', ''],
    ['/a/...', '/a/...', ''],
  ])('is read otherwise: %s', (url, plainPath, query) => {
    expect(readTarget(url)).toEqual({ path: url.split('?')[0], plainPath, query });
  });

  it.each([
    ['/a', '/a?access_token=T'],
    ['/a?', '/a?access_token=T'],
    ['/a?b=1&c=%20&b=2&d', '/a?b=1&c=%20&b=2&d&access_token=T'],
    ['/a?access_token=mine&b=1', '/a?b=1&access_token=T'],
    ['/a?Access_Token=mine&%61ccess_token=mine&access%5ftoken=mine', '/a?access_token=T'],
    ['/a?secret=s&component_access_token=c&authorization=x&b', '/a?b&access_token=T'],
    ['/a?secrets=1&my_access_token=2', '/a?secrets=1&my_access_token=2&access_token=T'],
  ])('gets the token once, the order of the rest kept: %s', (url, path) => {
    expect(withToken(readTarget(url), QUERY, 'T')).toEqual({ path, header: null });
  });

  it('gets it in a header where the platform wants it there', () => {
    expect(withToken(readTarget('/a?access_token=mine&b=1'), BEARER, 'T')).toEqual({
      path: '/a?b=1',
      header: ['authorization', 'Bearer T'],
    });
  });

  it('has parameters, decoded', () => {
    expect(parameterOf('a=1&%61b=x%20y+z&ab=2', 'ab')).toBe('x y z');
    expect(parameterOf('ab', 'ab')).toBe('');
    expect(parameterOf('a=1', 'ab')).toBeUndefined();
  });
});

describe('the calls that a client may make', () => {
  const calls = new AllowedCalls([
    'GET /cgi-bin/user/info',
    'POST /cgi-bin/message/**',
    '* /cgi-bin/*/get',
    'GET /v1.0/**/x',
  ]);

  it.each([
    ['GET', '/cgi-bin/user/info', 'GET /cgi-bin/user/info'],
    ['GET', '/cgi-bin/user/info/', 'GET /cgi-bin/user/info'],
    ['POST', '/cgi-bin/message', 'POST /cgi-bin/message/**'],
    ['POST', '/cgi-bin/message/custom/send', 'POST /cgi-bin/message/**'],
    ['DELETE', '/cgi-bin/media/get', '* /cgi-bin/*/get'],
    ['GET', '/v1.0/x', 'GET /v1.0/**/x'],
    ['GET', '/v1.0/a/b/x', 'GET /v1.0/**/x'],
  ])('are those that an entry has: %s %s', (method, path, entry) => {
    expect(calls.entryFor(method, path)).toBe(entry);
  });

  it.each([
    ['POST', '/cgi-bin/user/info'],
    ['HEAD', '/cgi-bin/user/info'],
    ['GET', '/cgi-bin/user/info2'],
    ['GET', '/CGI-BIN/user/info'],
    ['GET', '/x/cgi-bin/user/info'],
    ['POST', '/cgi-bin/messages/send'],
    ['GET', '/cgi-bin/a/b/get'],
    ['GET', '/v1x0/x'],
  ])('are no others: %s %s', (method, path) => {
    expect(calls.entryFor(method, path)).toBeUndefined();
  });
});
