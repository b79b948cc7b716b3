import { APP, faultsOf, file, load, OTHER_APP, withApp, withEgress } from '../../test/support/config-file.js';
import { Redactor } from '../core/redaction/redactor.js';

const PASSWORD = 'gT7#xW2/qL9z';
const PROXY = `http://broker:${encodeURIComponent(PASSWORD)}@proxy.corp:3128`;

describe('egress', () => {
  it('of an app stands in place of the one of all apps, whole', () => {
    const config = load(
      file({
        egress: { proxy: 'http://proxy.corp:3128', localAddress: '10.0.0.5' },
        apps: [APP, { ...OTHER_APP, egress: { localAddress: '::1' } }],
      }),
    );
    const [shop, club] = config.apps.map((app) => config.egressOf(app));
    expect(shop?.proxy?.value()).toBe('http://proxy.corp:3128');
    expect(club).toMatchObject({ localAddress: '::1' });
    expect(club?.proxy).toBeUndefined();
  });

  it('leaves the proxy of the environment alone unless it is told to use it, and says which one', () => {
    const { egress } = load(file(), { HTTPS_PROXY: PROXY });
    expect(egress).toMatchObject({ environment: null, unusedProxyVariable: 'HTTPS_PROXY' });
    expect(load(withEgress({ proxy: PROXY }), { HTTPS_PROXY: PROXY }).egress.unusedProxyVariable).toBeNull();
  });

  it.each([
    [{ HTTPS_PROXY: 'http://a:1' }, 'http://a:1', undefined],
    [{ https_proxy: 'http://a:1', HTTPS_PROXY: 'http://b:2', http_proxy: 'c:3' }, 'http://a:1', 'http://c:3'],
    [{ ALL_PROXY: 'http://a:1', HTTP_PROXY: 'http://b:2' }, 'http://a:1', 'http://b:2'],
    [{}, undefined, undefined],
  ])('takes proxies from the environment %j', (env, https, http) => {
    const { egress, warnings } = load(withEgress({ proxyFromEnvironment: true }), {
      ...env,
      NO_PROXY: 'localhost',
    });
    expect(egress.environment?.https?.value()).toBe(https);
    expect(egress.environment?.http?.value()).toBe(http);
    expect(egress).toMatchObject({ environment: { noProxy: 'localhost' }, unusedProxyVariable: null });
    const none = https === undefined ? ['egress.proxyFromEnvironment'] : [];
    expect(warnings.map(({ path }) => path)).toEqual(none);
  });

  it('names the variable whose proxy is none', () => {
    const tree = withApp({ egress: { proxyFromEnvironment: true } });
    expect(faultsOf(() => load(tree, { HTTPS_PROXY: 'socks5://a:1' }))).toEqual([
      'HTTPS_PROXY: must be the URL of a proxy like http://host:3128, or https:// for TLS to the proxy',
    ]);
  });

  it.each([
    ['in the URL', withEgress({ proxy: PROXY }), {}],
    [
      'beside it',
      withEgress({ proxy: 'http://proxy.corp:3128', proxyUsername: 'broker', proxyPassword: PASSWORD }),
      {},
    ],
    ['of one app', withApp({ egress: { proxy: { env: 'PROXY' } } }), { PROXY }],
    ['in the environment', withEgress({ proxyFromEnvironment: true }), { https_proxy: PROXY }],
  ])('has the password of the proxy redacted, and not its host: %s', (_, tree, env) => {
    const redactor = new Redactor();
    load(tree, env, { redactor });
    const text = redactor.redact(`${PASSWORD} ${encodeURIComponent(PASSWORD)} proxy.corp:3128`);
    expect(text).toBe('[redacted] [redacted] proxy.corp:3128');
  });
});
