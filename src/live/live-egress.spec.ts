import { ConfigFolder, LiveBroker } from '../../test/support/live-broker.js';
import { newApp } from '../../test/support/broker-config.js';
import { SELF_SIGNED } from '../../test/support/test-certificates.js';

const app = { name: 'shop', ...newApp(), apiBaseUrl: 'http://127.0.0.1:1' };
const PROXY = 'http://user:first-password@proxy.example:3128';

describe('the files of a way out', () => {
  let folder: ConfigFolder;
  beforeEach(() => {
    folder = new ConfigFolder();
  });
  afterEach(() => {
    folder.delete();
  });

  const configured = (egress: object, ofApp?: object): string =>
    folder.write('broker.yaml', {
      audit: { reads: 'none', destination: folder.file('audit.log') },
      apps: [{ ...app, ...(ofApp && { egress: ofApp }) }],
      clients: [{ name: 'orders', keySha256: ['0'.repeat(64)], apps: '*', scopes: ['token:read'] }],
      egress,
    });
  const from = (content: string) => ({ file: folder.write('secret', content) });

  it.each([
    ['proxy', PROXY, PROXY.replace('first', 'next'), {}],
    [
      'proxyPassword',
      'first-password',
      'next-password',
      { proxy: 'http://proxy.example', proxyUsername: 'me' },
    ],
    ['ca', SELF_SIGNED.cert, `${SELF_SIGNED.cert}\n${SELF_SIGNED.cert}`, {}],
  ])('are followed: %s', async (key, first, next, more) => {
    const broker = await LiveBroker.start(configured({ [key]: from(first), ...more }));
    expect(broker.source.look().isChanged).toBe(false);
    folder.write('secret', next);
    expect(broker.source.look()).toMatchObject({ isChanged: true, isComplete: true });
    expect(broker.reload().faults).toEqual([]);
    expect(broker.events('config.reloaded')).toMatchObject([{ changes: [`egress.${key}: at_once`] }]);
    expect(JSON.stringify(broker.lines)).not.toMatch(/first-password|next-password|BEGIN/);
    broker.close();
  });

  it('are followed for an app of its own, and change nothing when they are spoilt', async () => {
    const ca = from(SELF_SIGNED.cert);
    const broker = await LiveBroker.start(configured({}, { ca }));
    folder.write('secret', 'no certificate');
    expect(broker.source.look().isChanged).toBe(true);
    expect(broker.reload().faults).toEqual([expect.stringMatching(/^apps\[0\]\.egress\.ca: /)]);
    folder.write('secret', `${SELF_SIGNED.cert}\n`);
    expect(broker.reload().faults).toEqual([]);
    expect(broker.events('config.reloaded')).toMatchObject([{ changes: [] }]);
    broker.close();
  });
});
