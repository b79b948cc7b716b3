import { createLogin, refused } from '../../../test/support/create-login.js';
import { AppSecrets } from '../app-secrets.js';

describe('the AppSecret of a login', () => {
  const secretsUsed = ({ provider }: ReturnType<typeof createLogin>): (string | undefined)[] =>
    provider.calls.filter(({ method }) => method === 'exchange').map(({ appSecret }) => appSecret);

  it('is the one that has worked, until the new one has', async () => {
    const fixture = createLogin();
    const { app, login, returned } = fixture;
    await login.exchange(await returned('code-1'));
    app.secrets.offer('second-secret');
    await login.exchange(await returned('code-2'));
    // As when the fetch of a token has tried it.
    app.secrets.accepted('second-secret');
    await login.exchange(await returned('code-3'));
    expect(secretsUsed(fixture)).toEqual(['first-secret', 'first-secret', 'second-secret']);
  });

  it('is the new one as soon as the old one is refused, and that login alone is lost', async () => {
    const fixture = createLogin();
    const { app, login, provider, returned, errorOf } = fixture;
    app.secrets.offer('second-secret');
    provider.next.push(refused(40125, 'app_misconfigured'));
    expect(await errorOf(login.exchange(await returned('code-1')))).toBe('app_misconfigured');
    await login.exchange(await returned('code-2'));
    expect(secretsUsed(fixture)).toEqual(['first-secret', 'second-secret']);
    // It worked in a login, so that the fetch of tokens uses it too.
    expect(app.secrets.current).toBe('second-secret');
    expect(app.secrets.isCurrentRefused).toBe(false);
  });

  it('that is not there yet spends no code', async () => {
    const secrets = new AppSecrets({ fault: '/run/secrets/shop is empty' });
    const { login, returned, errorOf, provider } = createLogin({ secrets });
    const request = await returned('code-of-mary');
    expect(await errorOf(login.exchange(request))).toBe('app_misconfigured');
    expect(provider.calls).toEqual([]);
    secrets.offer('first-secret');
    expect((await login.exchange(request)).openid).toBe('openid-of-mary');
  });
});
