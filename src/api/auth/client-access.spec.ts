import { BrokerError } from '../../core/errors.js';
import { ClientAccess } from './client-access.js';

describe('ClientAccess', () => {
  const access = (apps: readonly string[] | '*', configured = ['shop', 'blog', 'default']) =>
    new ClientAccess({ name: 'orders', keySha256: [], apps, scopes: ['token:read'] }, configured);
  const codeOf = (ask: () => string) => {
    try {
      return ask();
    } catch (error) {
      return error instanceof BrokerError ? error.code : error;
    }
  };

  it('may what its scopes say', () => {
    expect(access('*').may('token:read')).toBe(true);
    expect(access('*').may('token:admin')).toBe(false);
  });

  it.each<[readonly string[] | '*', string | undefined, string]>([
    ['*', 'blog', 'blog'],
    ['*', undefined, 'default'],
    [['shop'], undefined, 'shop'],
    [['shop'], 'default', 'unknown_app'],
    [['shop', 'default'], undefined, 'default'],
    [['shop', 'blog'], undefined, 'app_required'],
    [['shop', 'blog'], '', 'unknown_app'],
    [[], undefined, 'app_required'],
    [[], 'shop', 'unknown_app'],
    [['gone'], 'gone', 'unknown_app'],
  ])('of %j naming %j means %s', (apps, named, expected) => {
    expect(codeOf(() => access(apps).app(named))).toBe(expected);
  });

  it('needs no name when there is one app only', () => {
    expect(access('*', ['shop']).app(undefined)).toBe('shop');
  });

  it('repeats no name that a caller made up', () => {
    expect(() => access('*').app('made-up')).toThrow(/^((?!made-up).)*$/);
  });
});
