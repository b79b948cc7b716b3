import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { newApiKey, newApp } from '../../test/support/broker-config.js';
import { ConfigFolder, LiveBroker } from '../../test/support/live-broker.js';

describe('the files of teams while the broker runs', () => {
  let folder: ConfigFolder;

  beforeEach(() => {
    folder = new ConfigFolder();
  });
  afterEach(() => {
    folder.delete();
  });

  const team = (name: string, key: string, more: object = {}) => ({
    apps: [{ name, ...newApp(), apiBaseUrl: 'http://127.0.0.1:1' }],
    clients: [
      {
        name: `${name}-web`,
        keys: [{ file: folder.write(`keys/${name}`, key) }],
        apps: [name],
        scopes: ['token:read'],
        ...more,
      },
    ],
  });
  const main = (limits?: object) =>
    folder.write('broker.yaml', {
      audit: { reads: 'none', destination: folder.file('audit.log') },
      configDir: { path: folder.file('teams'), ...(limits && { teams: [limits] }) },
    });

  /** What the broker does half a second later, and again. */
  function follow(broker: LiveBroker): readonly string[] {
    expect(broker.source.look().isChanged).toBe(true);
    const { faults } = broker.reload();
    expect(broker.source.look().isChanged).toBe(false);
    return faults;
  }

  it('are taken over when one comes, changes or goes', async () => {
    const keys = { shop: newApiKey(), mail: newApiKey() };
    folder.write('teams/shop.yaml', team('shop', keys.shop));
    const broker = await LiveBroker.start(main());
    const before = broker.live.state.sha256;
    expect([broker.whose(keys.shop), broker.whose(keys.mail)]).toEqual(['shop-web', 'unknown']);

    folder.write('teams/mail.yaml', team('mail', keys.mail));
    expect(follow(broker)).toEqual([]);
    expect([broker.whose(keys.mail), broker.broker.apps]).toEqual(['mail-web', ['mail', 'shop']]);
    expect(broker.live.state.sha256).not.toBe(before);

    const other = newApiKey();
    folder.write('keys/mail', other);
    expect(follow(broker)).toEqual([]);
    expect([broker.whose(keys.mail), broker.whose(other)]).toEqual(['unknown', 'mail-web']);

    folder.remove('teams/mail.yaml');
    expect(broker.source.look().isComplete).toBe(false);
    expect(follow(broker)).toEqual([]);
    expect([broker.whose(other), broker.broker.apps]).toEqual(['unknown', ['shop']]);
    expect(broker.live.state.sha256).toBe(before);
  });

  it("are seen when Kubernetes swaps the folder's link", async () => {
    const keys = [newApiKey(), newApiKey()];
    const swapTo = (version: string, key: string): void => {
      folder.write(`teams/..${version}/shop.yaml`, team('shop', key));
      symlinkSync(`..${version}`, folder.file('teams/..data_tmp'));
      renameSync(folder.file('teams/..data_tmp'), folder.file('teams/..data'));
    };
    mkdirSync(folder.file('teams'));
    swapTo('one', keys[0] ?? '');
    symlinkSync('..data/shop.yaml', folder.file('teams/shop.yaml'));
    const broker = await LiveBroker.start(main());
    swapTo('two', keys[1] ?? '');
    expect(follow(broker)).toEqual([]);
    expect(keys.map((key) => broker.whose(key))).toEqual(['unknown', 'shop-web']);
  });

  it('change nothing when one of them takes more than it may, and names the file', async () => {
    const key = newApiKey();
    folder.write('teams/shop.yaml', team('shop', key));
    const broker = await LiveBroker.start(
      main({ files: '*', allowApps: ['shop'], allowScopes: ['token:read'] }),
    );
    folder.write('teams/shop.yaml', team('shop', key, { apps: '*', scopes: ['token:admin'] }));
    expect(follow(broker)).toEqual([
      'shop.yaml: clients[0].scopes[0]: must be one of token:read: allowScopes of this file in configDir.teams',
      'shop.yaml: clients[0].apps: must begin with shop: allowApps of this file in configDir.teams',
    ]);
    const metric = async () => (await broker.metrics()).match(/^tokenbroker_config_faults.*$/gm);
    expect(await metric()).toEqual(['tokenbroker_config_faults{file="shop.yaml"} 2']);
    const answer = broker.callers.ofKey(key);
    expect(answer.kind === 'ok' && answer.client.may('token:admin')).toBe(false);

    folder.write('broker.yaml', 'apps: 7');
    follow(broker);
    expect(await metric()).toEqual([expect.stringMatching(/^tokenbroker_config_faults\{file="main"\}/)]);
    main();
    folder.write('teams/shop.yaml', team('shop', key));
    folder.write('teams/mail.yaml', '{');
    follow(broker);
    expect(await metric()).toEqual(['tokenbroker_config_faults{file="mail.yaml"} 1']);
    folder.remove('teams/mail.yaml');
    expect(follow(broker)).toEqual([]);
    expect(await metric()).toBeNull();
  });
});
