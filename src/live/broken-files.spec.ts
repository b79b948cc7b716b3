import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { stringify } from 'yaml';
import { newApiKey } from '../../test/support/broker-config.js';
import { ConfigFolder, LiveBroker } from '../../test/support/live-broker.js';

type Tree = Record<string, unknown>;
type Damage = (folder: ConfigFolder) => void;
/** What is broken, how, and how the fault begins: with the field, and the file where there are several. */
type Case = readonly [what: string, damage: Damage, fault: string];

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const KEYS = { orders: newApiKey(), oncall: newApiKey(), mailer: newApiKey() };
const APP = {
  name: 'shop',
  appId: 'wx0123456789abcdef',
  appSecret: '0123456789abcdef0123456789abcdef',
  apiBaseUrl: 'http://127.0.0.1:1',
};
const CLUB = { ...APP, name: 'club', appId: 'wxfedcba9876543210' };

function good(folder: ConfigFolder, burst = 100): Tree {
  return {
    server: { port: 8080, logLevel: 'info' },
    audit: { reads: 'none', destination: folder.file('audit.log') },
    rate: { requestsPerSecond: 50, burst },
    configDir: { path: folder.file('teams'), teams: [{ files: 'mail.yaml', allowScopes: ['token:read'] }] },
    apps: [APP, CLUB],
    clients: [
      { name: 'orders', keys: [{ file: folder.file('key') }], apps: ['shop'], scopes: ['token:read'] },
      { name: 'oncall', keySha256: [sha256(KEYS.oncall)], apps: '*', scopes: ['token:admin'] },
    ],
  };
}

const MAIL = {
  apps: [{ ...APP, name: 'mail', appId: 'wx00000000000000aa' }],
  clients: [{ name: 'mailer', keySha256: [sha256(KEYS.mailer)], apps: ['mail'], scopes: ['token:read'] }],
};

function writeGood(folder: ConfigFolder, burst: number): void {
  for (const name of ['broker.yaml', 'key', 'teams']) folder.remove(name);
  folder.write('key', KEYS.orders);
  folder.write('teams/mail.yaml', MAIL);
  folder.write('broker.yaml', stringify(good(folder, burst)));
}

/** The text of a file that was good. */
const text = (
  change: (text: string, folder: ConfigFolder) => string | Buffer,
  name = 'broker.yaml',
): Damage => {
  return (folder) => {
    const before = name === 'key' ? KEYS.orders : stringify(name === 'broker.yaml' ? good(folder) : MAIL);
    folder.write(name, change(before, folder));
  };
};
const as = (content: string | Buffer, name?: string) => text(() => content, name);
const atEnd = (more: string, name?: string) => text((before) => before + more, name);

/** One value of a tree that was good; the place is such as `apps.0.grant`. */
const value = (place: string, changed: unknown, name = 'broker.yaml'): Damage => {
  return (folder) => {
    const tree = structuredClone(name === 'broker.yaml' ? good(folder) : MAIL) as Tree;
    const keys = place.split('.');
    const last = keys.pop() ?? '';
    const holder = keys.reduce<Tree>((node, key) => (node[key] ??= {}) as Tree, tree);
    if (changed === undefined) Reflect.deleteProperty(holder, last);
    else holder[last] = changed;
    folder.write(name, stringify(tree));
  };
};
const link = (name: string, target: string): Damage => {
  return (folder) => {
    folder.remove(name);
    symlinkSync(target, folder.file(name));
  };
};
const instead = (name: string, make: (path: string, folder: ConfigFolder) => void): Damage => {
  return (folder) => {
    folder.remove(name);
    make(folder.file(name), folder);
  };
};
const gone = (name: string) => instead(name, () => undefined);
const folderAt = (name: string) => instead(name, (_path, folder) => void folder.write(`${name}/file`, ''));
const pipe = (name: string) => instead(name, (path) => void execFileSync('mkfifo', [path]));

const UNREADABLE = 'BROKER_CONFIG: ';
const YAML = 'FOLDER/broker.yaml: is not valid YAML at line ';
const ROOT = 'FOLDER/broker.yaml: must be a mapping';
const KEY = 'clients[0].keys[0].file: ';
const CALLER = { name: 'web', keySha256: ['a'.repeat(64)], apps: ['shop'], scopes: ['token:read'] };
const OTHER = { ...CALLER, keySha256: ['b'.repeat(64)] };

// prettier-ignore
const CASES: readonly Case[] = [
  // The file itself.
  ['the file is gone', gone('broker.yaml'), `${UNREADABLE}cannot read FOLDER/broker.yaml: ENOENT`],
  ['a folder is in its place', folderAt('broker.yaml'), `${UNREADABLE}cannot read FOLDER/broker.yaml: is a folder`],
  ['a pipe is in its place', pipe('broker.yaml'), `${UNREADABLE}cannot read FOLDER/broker.yaml: is no regular file`],
  ['a link to nothing', link('broker.yaml', 'no-such-file'), `${UNREADABLE}cannot read FOLDER/broker.yaml: ENOENT`],
  ['a link to itself', link('broker.yaml', 'broker.yaml'), `${UNREADABLE}cannot read FOLDER/broker.yaml: ELOOP`],
  ['a link through a file', link('broker.yaml', 'key/broker.yaml'), `${UNREADABLE}cannot read FOLDER/broker.yaml: ENOTDIR`],
  ['a link to a device without an end', link('broker.yaml', '/dev/zero'), `${UNREADABLE}cannot read FOLDER/broker.yaml: is no regular file`],
  ['a link to nothing at all', link('broker.yaml', '/dev/null'), `${UNREADABLE}cannot read FOLDER/broker.yaml: is no regular file`],
  ['more than it may have', text((before) => `${before}# ${'x'.repeat(32 * 1024 * 1024)}\n`), `${UNREADABLE}cannot read FOLDER/broker.yaml: is larger than 32768 KiB`],
  ['an empty file', as(''), ROOT],
  ['white space alone', as(' \n\n  \n'), ROOT],
  ['a comment alone', as('# to be written\n'), ROOT],
  ['zeros, as after a crash of the machine', text((before) => Buffer.alloc(before.length)), `${UNREADABLE}FOLDER/broker.yaml holds NUL bytes`],
  ['zeros at its end', text((before) => `${before}\0\0\0`), `${UNREADABLE}FOLDER/broker.yaml holds NUL bytes`],
  ['UTF-16 of Windows', text((before) => Buffer.from(`\ufeff${before}`, 'utf16le')), `${UNREADABLE}FOLDER/broker.yaml is UTF-16`],
  ['UTF-16 the other way round', text((before) => Buffer.from(`\ufeff${before}`, 'utf16le').swap16()), `${UNREADABLE}FOLDER/broker.yaml is UTF-16`],
  ['UTF-16 without a mark', text((before) => Buffer.from(before, 'utf16le')), `${UNREADABLE}FOLDER/broker.yaml holds NUL bytes`],
  ['Latin-1', text((before) => Buffer.from(`${before}# caf\u00e9\n`, 'latin1')), `${UNREADABLE}FOLDER/broker.yaml is not valid UTF-8`],
  ['cut within a character', text((before) => Buffer.from(`${before}# \u5e97`).subarray(0, -1)), `${UNREADABLE}FOLDER/broker.yaml is not valid UTF-8`],
  ['an archive', as(Buffer.from('1f8b0800ffffffffff', 'hex')), `${UNREADABLE}FOLDER/broker.yaml holds NUL bytes`],
  // What YAML refuses.
  ['cut in the middle of a list', as('apps: [{ name: shop,'), YAML],
  ['cut in the middle of a text', as('apps:\n  - name: "sho'), YAML],
  ['cut in the middle of a key', atEnd('limi'), YAML],
  ['cut JSON', as('{"apps":[{"name":"shop"'), YAML],
  ['a brace that is not closed', atEnd('limits: { connections: 100\n'), YAML],
  ['a quote that is not closed', atEnd("limits: 'x\n"), YAML],
  ['an indent by a tab', as('apps:\n\t- name: shop\n'), YAML],
  ['an indent that fits nothing', as('apps:\n    - name: shop\n  - name: club\n'), YAML],
  ['a value and a mapping', atEnd('limits: 5\n  connections: 100\n'), YAML],
  ['a key twice', atEnd('rate: { requestsPerSecond: 1 }\n'), YAML],
  ['a key of an app twice', as('apps:\n  - name: shop\n    name: club\n'), YAML],
  ['a second document', atEnd('---\napps: []\n'), YAML],
  ['an unknown tag', atEnd('limits: !secret x\n'), YAML],
  ['an alias of nothing', atEnd('limits: *shared\n'), 'FOLDER/broker.yaml: '],
  ['an alias of itself', atEnd('limits: &a { connections: *a }\n'), 'FOLDER/broker.yaml: '],
  ['a billion laughs', atEnd(`x0: &x0 [1]\n${Array.from({ length: 30 }, (_, at) => `x${at + 1}: &x${at + 1} [*x${at}, *x${at}]\n`).join('')}`), 'FOLDER/broker.yaml: '],
  ['an escape that is none', atEnd('limits: "C:\\path"\n'), YAML],
  ['marks of a merge', text((before) => `<<<<<<< HEAD\n${before}=======\n${before}>>>>>>> other\n`), YAML],
  ['a template that was not filled in', as('apps: {{ .Values.apps }}\n'), 'FOLDER/broker.yaml: '],
  ['a page of a proxy', as('<html><body>502: Bad Gateway</body></html>'), '(a key not shown, it may hold a secret): is not a known key'],
  ['a list', as('- apps\n- clients\n'), ROOT],
  ['text', as('configuration'), ROOT],
  ['a number', as('7'), ROOT],
  ['nothing, said so', as('~'), ROOT],
  ['a key of all objects', atEnd('__proto__: { port: 1 }\n'), 'FOLDER/broker.yaml: __proto__ is not a known key'],
  ['another one, deep inside', value('apps.0.constructor', 1), 'FOLDER/broker.yaml: constructor is not a known key'],
  // Sections and keys.
  ['an unknown section', value('colour', 'red'), 'colour: is not a known key'],
  ['a misspelled section', value('limts', {}), 'limts: is not a known key; did you mean limits?'],
  ['a list in the place of a section', value('server', [1]), 'server: must be a mapping'],
  ['nothing in the place of a section', value('rate', null), 'rate: must be a mapping'],
  ['a port that is text', value('server.port', 'http'), 'server.port: must be a whole number'],
  ['a port that is none', value('server.port', 70_000), 'server.port: must be a whole number from 0 to 65535'],
  ['a port with a fraction', value('server.port', 80.5), 'server.port: must be a whole number'],
  ['two ports that are one', value('server.adminPort', 8080), 'server.adminPort: must be another port'],
  ['a log level that is none', value('server.logLevel', 'loud'), 'server.logLevel: must be one of'],
  ['every proxy trusted', value('server.trustProxy', true), 'server.trustProxy: would let every caller'],
  ['a negative time', value('server.drainSeconds', -1), 'server.drainSeconds: must be a number of seconds'],
  ['a time without an end', value('server.drainSeconds', 1e300), 'server.drainSeconds: must be a number of seconds'],
  ['a certificate that cannot be read', value('server.tls', { cert: { file: '/no/such' }, key: { file: '/no/such' } }), 'server.tls.cert: cannot read /no/such'],
  ['an audit that is none', value('audit.reads', 'some'), 'audit.reads: must be one of'],
  ['a rate of nothing', value('rate.requestsPerSecond', 0), 'rate.requestsPerSecond: must be a whole number'],
  ['a limit of nothing', value('limits.connections', 1), 'limits.connections: must be a whole number'],
  ['Redis without an encryption key', value('redis', { url: 'redis://127.0.0.1:1' }), 'encryption: must be set with redis'],
  ['Redis at another kind of address', value('redis', { url: 'http://127.0.0.1:1' }), 'redis.url: '],
  ['an encryption key that is too short', value('encryption', { keys: [{ id: 'k1', key: 'c2hvcnQ=' }] }), 'encryption.keys[0].key: '],
  ['a collector without an address', value('tracing', {}), 'tracing.endpoint: must be'],
  ['two proxies', value('egress', { proxy: 'http://p:1', proxyFromEnvironment: true }), 'egress.'],
  ['an issuer without keys', value('identities', { jwt: [{ issuer: 'a', audience: 'b' }] }), 'identities.jwt[0]: must have one of jwksUri and jwks'],
  // Apps.
  ['apps that are text', value('apps', 'shop'), 'apps: must be a list'],
  ['an app that is text', value('apps.0', 'shop'), 'apps[0]: must be a mapping'],
  ['an app without a name', value('apps.0.name', undefined), 'apps[0].name: must be'],
  ['a name that is none', value('apps.0.name', 'My Shop'), 'apps[0].name: must be a name'],
  ['two apps of one name', value('apps.1.name', 'shop'), 'apps[1].name: is the same as apps[0].name'],
  ['two apps that are one', value('apps.1.appId', APP.appId), 'apps[1].appId: '],
  ['an app without an id', value('apps.0.appId', undefined), 'apps[0].appId: must be'],
  ['an id that is none', value('apps.0.appId', 'shop'), 'apps[0].appId: must be the AppID'],
  ['an app without a secret', value('apps.0.appSecret', undefined), 'apps[0].appSecret: must be set'],
  ['a secret that was cut', value('apps.0.appSecret', APP.appSecret.slice(1)), 'apps[0].appSecret: must be the AppSecret'],
  ['a secret of a variable that is not set', value('apps.0.appSecret', { env: 'NO_SUCH_VARIABLE' }), 'apps[0].appSecret: the environment variable NO_SUCH_VARIABLE is not set'],
  ['a secret from two places', value('apps.0.appSecret', { file: '/a', env: 'B' }), 'apps[0].appSecret: must be { file: PATH }'],
  ['a grant that is none', value('apps.0.grant', 'fast'), 'apps[0].grant: must be one of'],
  ['a platform that is none', value('apps.0.provider', 'weibo'), 'apps[0].provider: must be one of'],
  ['an address that is none', value('apps.0.apiBaseUrl', 'weixin'), 'apps[0].apiBaseUrl: must be'],
  ['an address with a password', value('apps.0.apiBaseUrl', 'https://a:b@host'), 'apps[0].apiBaseUrl: must be a URL without user'],
  ['a budget of nothing', value('apps.0.refresh', { dailyBudget: 0 }), 'apps[0].refresh.dailyBudget: must be a whole number'],
  ['a lease that ends before the fetch', value('apps.0.refresh', { leaseSeconds: 8 }), 'apps[0].refresh.leaseSeconds: must'],
  ['a key of another platform', value('apps.0.corpId', 'x'), 'apps[0].corpId: is not a known key'],
  // Callers.
  ['callers that are a number', value('clients', 3), 'clients: must be a list'],
  ['a caller without a name', value('clients.0.name', undefined), 'clients[0].name: must be'],
  ['two callers of one name', value('clients.1.name', 'orders'), 'clients[1].name: is the same as clients[0].name'],
  ['a caller without a key', value('clients.1.keySha256', undefined), 'clients[1].keySha256: must be set'],
  ['a hash that was cut', value('clients.1.keySha256', ['a'.repeat(63)]), 'clients[1].keySha256[0]: must be a SHA-256'],
  ['the key in the place of its hash', value('clients.1.keySha256', [newApiKey()]), 'clients[1].keySha256[0]: this is the key itself'],
  ['three hashes', value('clients.1.keySha256', ['a', 'b', 'c'].map((digit) => digit.repeat(64))), 'clients[1].keySha256: must list one or two'],
  ['a hash of two callers', value('clients.2', { ...CALLER, keySha256: [sha256(KEYS.oncall)] }), 'clients[2].keySha256[0]: is the same as clients[1].keySha256[0]'],
  ['an end without a zone', value('clients.1.keys', [{ sha256: 'a'.repeat(64), expiresAt: '2027-03-01' }]), 'clients[1].keys[0].expiresAt: must be a time with its zone'],
  ['an app that nobody has', value('clients.0.apps', ['shops']), 'clients[0].apps[0]: no app is named "shops"; did you mean shop?'],
  ['all apps in a list', value('clients.0.apps', ['*']), 'clients[0].apps[0]: for all apps write'],
  ['a scope that is none', value('clients.0.scopes', ['token:write']), 'clients[0].scopes[0]: must be one of'],
  ['no scope at all', value('clients.0.scopes', []), 'clients[0].scopes: must list at least one'],
  ['the gateway without calls', value('clients.0.scopes', ['gateway']), 'clients[0].gateway: must list what the scope gateway is for'],
  ['virtual tokens without a key that seals them', value('clients.0.virtualTokens', true), 'clients[0].virtualTokens: needs an encryption key'],
  ['a promise of a few seconds', value('clients.0.maxExpiresInSeconds', 5), 'clients[0].maxExpiresInSeconds: must be a whole number'],
  ['a subject of no issuer', value('clients.0.subjects', [{ sub: 'x' }]), 'clients[0].subjects[0]: needs an issuer'],
  ['a certificate without an authority', value('clients.0.certificates', [{ san: 'a.b' }]), 'clients[0].certificates[0].san: needs server.tls.clientCa'],
  // Files of keys.
  ['the file of a key is gone', gone('key'), `${KEY}cannot read FOLDER/key: ENOENT`],
  ['it is empty', as('\n', 'key'), `${KEY}FOLDER/key: is empty`],
  ['it is a folder', folderAt('key'), `${KEY}cannot read FOLDER/key: is a folder`],
  ['it is a link to nothing', link('key', 'keys/..data/key'), `${KEY}cannot read FOLDER/key: ENOENT`],
  ['it is a pipe', pipe('key'), `${KEY}cannot read FOLDER/key: is no regular file`],
  ['it is too large', as('k'.repeat(65 * 1024), 'key'), `${KEY}cannot read FOLDER/key: is larger than 64 KiB`],
  ['it is UTF-16', as(Buffer.from(`\ufeff${KEYS.orders}`, 'utf16le'), 'key'), `${KEY}FOLDER/key is UTF-16`],
  ['it has two keys', as(`${KEYS.orders}\n${newApiKey()}\n`, 'key'), `${KEY}FOLDER/key: must be visible ASCII characters`],
  ['it has a word', as('changeme', 'key'), `${KEY}FOLDER/key: must be at least`],
  ['it has the key of another caller', as(KEYS.oncall, 'key'), 'clients[1].keySha256[0]: is the same as clients[0].keys[0].file'],
  // Files of teams.
  ['the folder of the teams is gone', gone('teams'), 'configDir.path: cannot read the folder FOLDER/teams: ENOENT'],
  ['it is a file', instead('teams', (_path, folder) => void folder.write('teams', '')), 'configDir.path: cannot read the folder FOLDER/teams: ENOTDIR'],
  ['a file of a team is no YAML', as('apps: [', 'teams/mail.yaml'), 'mail.yaml: is not valid YAML at line '],
  ['it is too large', text((before) => `${before}# ${'x'.repeat(1024 * 1024)}\n`, 'teams/mail.yaml'), 'mail.yaml: cannot read FOLDER/teams/mail.yaml: is larger than 1024 KiB'],
  ['it is a link to nothing', link('teams/mail.yaml', '..data/mail.yaml'), 'mail.yaml: cannot read FOLDER/teams/mail.yaml: ENOENT'],
  ['it has a name of the main file', value('apps.0.name', 'shop', 'teams/mail.yaml'), 'mail.yaml: apps[0].name: is the same as apps[0].name'],
  ['it opens a port', value('server', { port: 1 }, 'teams/mail.yaml'), 'mail.yaml: server: is for the main file alone'],
  ['it takes a scope', value('clients.0.scopes', ['token:admin'], 'teams/mail.yaml'), 'mail.yaml: clients[0].scopes[0]: must be one of token:read'],
  ['a file that nobody knows', as('{}', 'teams/other.yaml'), 'other.yaml: no entry of configDir.teams is for this file'],
  ['two files with one caller', (folder) => {
    folder.write('broker.yaml', stringify({ ...good(folder), configDir: { path: folder.file('teams') } }));
    for (const [name, client] of [['a', CALLER], ['b', OTHER]] as const) folder.write(`teams/${name}.yaml`, { clients: [client] });
  }, 'b.yaml: clients[0].name: is the same as a.yaml: clients[0].name'],
];

describe('a configuration that somebody has broken', () => {
  let folder: ConfigFolder;
  let broker: LiveBroker;
  let burst = 100;

  beforeAll(async () => {
    folder = new ConfigFolder();
    writeGood(folder, burst);
    broker = await LiveBroker.start(folder.file('broker.yaml'));
  });
  afterAll(() => {
    folder.delete();
  });

  // Whatever was broken, the next good file is in force.
  afterEach(() => {
    burst += 1;
    writeGood(folder, burst);
    expect(broker.source.look().isChanged).toBe(true);
    expect(broker.reload().faults).toEqual([]);
    expect(broker.limits.of('orders').rate.burst).toBe(burst);
    expect(inForce().callers).toEqual(Object.keys(KEYS));
    const shown = JSON.stringify(broker.lines);
    for (const secret of [APP.appSecret, ...Object.values(KEYS)]) expect(shown).not.toContain(secret);
  });

  const inForce = () => ({
    apps: broker.broker.apps,
    callers: Object.values(KEYS).map((key) => broker.whose(key)),
    callerViews: broker.callerViews,
    sha256: broker.live.state.sha256,
    loadedAtMs: broker.live.state.loadedAtMs,
  });

  it('is broken in more than a hundred ways', () => {
    expect(new Set(CASES.map(([what, , fault]) => what + fault)).size).toBe(CASES.length);
    expect(CASES.length).toBeGreaterThanOrEqual(100);
  });

  it.each(CASES)('changes nothing, and names the place: %s', (_what, damage, fault) => {
    const before = inForce();
    expect(broker.live.state.faults).toEqual([]);
    damage(folder);
    expect(broker.source.look().isChanged).toBe(true);
    const { faults } = broker.reload();
    expect(faults.find((line) => line.startsWith(fault.replaceAll('FOLDER', folder.path))) ?? faults).toEqual(
      expect.any(String),
    );
    expect(inForce()).toEqual(before);
    expect(broker.events('config.rejected').at(-1)).toMatchObject({ faults });
    // An error that is no fault of the configuration would have this.
    expect(broker.events('config.rejected').at(-1)).not.toHaveProperty('err');
  });
});
