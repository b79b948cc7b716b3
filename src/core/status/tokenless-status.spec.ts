import { AppSecrets } from '../app-secrets.js';
import { tokenlessStatus } from './app-status.js';

describe('the status of an app without a token', () => {
  const statusWith = (secrets: AppSecrets) =>
    tokenlessStatus(
      { name: 'site', provider: 'wechat', appId: 'wx0123456789abcdef', type: 'website', secrets },
      5000,
    );

  it('is good while nothing is wrong with its AppSecret', () => {
    const { state, lastError, grant } = statusWith(new AppSecrets('first'));
    expect({ state, lastError, grant }).toEqual({ state: 'ok', lastError: null, grant: null });
  });

  it('says that there is no AppSecret', () => {
    expect(statusWith(new AppSecrets({ fault: 'cannot read /run/site' }))).toMatchObject({
      state: 'degraded',
      lastError: { class: 'secret', errcode: null, message: 'there is no AppSecret: cannot read /run/site' },
    });
  });

  it('says that the platform refuses the AppSecret, until another one is there', () => {
    const secrets = new AppSecrets('first');
    secrets.rejected('first', 0, { errcode: 40125, message: 'invalid appsecret', atMs: 4000 });
    expect(statusWith(secrets)).toMatchObject({
      state: 'degraded',
      lastError: { class: 'configuration', errcode: 40125, message: 'invalid appsecret', atMs: 4000 },
    });
    secrets.offer('second');
    expect(statusWith(secrets).lastError).toBeNull();
  });

  it('says that the AppSecret cannot be read again', () => {
    const secrets = new AppSecrets('first');
    secrets.couldNotBeRead({ why: 'cannot read /run/site', atMs: 4000 });
    expect(statusWith(secrets).lastError).toMatchObject({ class: 'secret', atMs: 4000 });
  });
});
