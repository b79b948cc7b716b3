import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { APP, CLIENT, faultsOf, file, inFolder, load, OTHER_APP } from '../../test/support/config-file.js';

type Tree = Record<string, unknown>;

const MAIL = { ...APP, name: 'mail', appId: 'wx00000000000000aa' };
const MAILER = { ...CLIENT, name: 'mailer', keySha256: ['b'.repeat(64)], apps: ['mail'] };

/** Writes the files of the folder, and no others. */
function write(files: Readonly<Record<string, unknown>>): string {
  rmSync(inFolder('teams'), { recursive: true, force: true });
  mkdirSync(inFolder('teams'));
  for (const [name, content] of Object.entries(files)) {
    const path = inFolder(`teams/${name}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return inFolder('teams');
}

const withTeams = (files: Tree, more: Tree = {}, teams?: unknown) =>
  file({ configDir: { path: write(files), ...(teams !== undefined && { teams }) }, ...more });
const namesIn = (tree: Tree) => {
  const { apps, clients } = load(tree);
  return [apps, clients].map((list) => list.map(({ name }) => name).join(' '));
};

describe('a folder of files besides the main one', () => {
  it('adds the apps and clients of each to those of the main file, in the order of their names', () => {
    const files = {
      'b.yaml': { apps: [MAIL] },
      'a.yaml': { apps: { club: { ...OTHER_APP, name: undefined } }, clients: [MAILER] },
      'none.yaml': {},
      'notes.txt': 'no YAML: {',
      '.hidden.yaml': 'no YAML: {',
      'folder/c.yaml': 'no YAML: {',
    };
    expect(namesIn(withTeams(files))).toEqual(['shop club mail', 'orders mailer']);
  });

  it('warns of a file that somebody may believe to be read', () => {
    const { apps, warnings } = load(withTeams({ 'a.yaml': {}, 'b.yml': { apps: [MAIL] }, 'notes.txt': '' }));
    expect(apps.map(({ name }) => name)).toEqual(['shop']);
    expect(warnings).toEqual([
      { path: 'b.yml', text: expect.stringContaining('only files *.yaml of configDir are') as string },
    ]);
  });

  it('may have all of them, so that the main file has none', () => {
    const files = { 'a.yaml': { apps: [APP], clients: [CLIENT] } };
    expect(namesIn(withTeams(files, { apps: undefined, clients: undefined }))).toEqual(['shop', 'orders']);
    expect(faultsOf(() => load(withTeams({}, { apps: undefined })))).toEqual([
      expect.stringContaining('no app is configured'),
      expect.stringContaining('no app is named'),
    ]);
  });

  it('changes the hash of the configuration', () => {
    const hashes = [{}, { 'a.yaml': {} }, { 'a.yaml': { apps: [MAIL] } }].map(
      (files) => load(withTeams(files)).sha256,
    );
    expect(new Set(hashes).size).toBe(3);
  });

  // prettier-ignore
  it.each<[string, Tree, string[]]>([
    ['a name of the main file', { 'a.yaml': { apps: [{ ...OTHER_APP, name: 'shop' }] } }, ['a.yaml: apps[0].name: is the same as apps[0].name; it must be its own']],
    ['a name of another file', { 'a.yaml': { apps: [MAIL] }, 'b.yaml': { apps: { mail: { ...OTHER_APP, name: undefined } } } }, ['b.yaml: apps.mail.name: is the same as a.yaml: apps[0].name; it must be its own']],
    ['a caller of another file', { 'a.yaml': { clients: [{ ...MAILER, apps: '*' }] }, 'b.yaml': { clients: [{ ...MAILER, apps: '*' }] } }, ['b.yaml: clients[0].name: is the same as a.yaml: clients[0].name; it must be its own', 'b.yaml: clients[0].keySha256[0]: is the same as a.yaml: clients[0].keySha256[0]; it must be its own']],
    ['an app that nobody has', { 'a.yaml': { clients: [MAILER] } }, ['a.yaml: clients[0].apps[0]: no app is named "mail"; add it to apps or remove it here']],
    ['a wrong value', { 'a.yaml': { apps: [{ ...MAIL, grant: 'odd' }] } }, ['a.yaml: apps[0].grant: must be one of stable, classic, got "odd"']],
    ['a section of the main file', { 'a.yaml': { server: { port: 1 }, apps: [MAIL] } }, ['a.yaml: server: is for the main file alone: a file of configDir has apps and clients']],
    ['a key that may be a secret', { 'a.yaml': { [`a${'0123456789abcdef'.repeat(2)}`]: 1 } }, ['a.yaml: (a key not shown, it may hold a secret): is for the main file alone: a file of configDir has apps and clients']],
    ['apps that are none', { 'a.yaml': { apps: 'mail' } }, ['a.yaml: apps: must be a list, or a mapping by name, got text']],
    ['no YAML', { 'a.yaml': 'apps: [' }, [expect.stringMatching(/^a\.yaml: is not valid YAML at line 1, column \d+: /)]],
    ['an empty file', { 'a.yaml': '' }, ['a.yaml: must be a mapping with the keys apps and clients']],
    ['a folder with the name of a file', { 'a.yaml/b': '' }, [expect.stringMatching(/^a\.yaml: cannot read .*: is a folder$/)]],
  ])('is at fault with its name for %s', (_what, files, faults) => {
    expect(faultsOf(() => load(withTeams(files)))).toEqual(faults);
  });

  it('is at fault when it cannot be read, or holds too many files', () => {
    const faults = (configDir: unknown) => faultsOf(() => load(file({ configDir })));
    expect(faults({ path: '/no/such/teams' })).toEqual([
      'configDir.path: cannot read the folder /no/such/teams: ENOENT',
    ]);
    expect(faults({ path: 7 })).toEqual(['configDir.path: must be the path of a folder']);
    expect(faults({})).toEqual(['configDir.path: must be the path of a folder']);
    const many = write(Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`${index}.yaml`, ''])));
    expect(faults({ path: many })).toEqual(['configDir.path: holds more than 1000 files *.yaml']);
  });
});

describe('what a file of the folder may grant', () => {
  const TEAMS = [
    {
      files: 'mail.yaml',
      allowScopes: ['token:read'],
      allowApps: ['mail', 'news-'],
      allowFiles: ['/run/secrets/mail'],
    },
    { files: 'ops-*.yaml' },
  ];
  const faults = (files: Tree, teams: unknown = TEAMS) => faultsOf(() => load(withTeams(files, {}, teams)));

  it('is all that its entry allows, and all there is where the entry says nothing', () => {
    const files = {
      'mail.yaml': {
        apps: [MAIL, { ...OTHER_APP, name: 'news-eu' }],
        clients: [{ ...MAILER, apps: ['mail', 'news-eu'] }],
      },
      'ops-1.yaml': {
        clients: [
          { ...CLIENT, name: 'ops', keySha256: ['c'.repeat(64)], apps: '*', scopes: ['token:admin'] },
        ],
      },
    };
    expect(faults(files)).toEqual([]);
  });

  // prettier-ignore
  it.each<[string, Tree, string[]]>([
    ['a scope', { clients: [{ ...MAILER, apps: ['shop-x', 'mail'], scopes: ['token:read', 'token:admin'] }], apps: [MAIL] }, ['mail.yaml: clients[0].scopes[1]: must be one of token:read: allowScopes of this file in configDir.teams', 'mail.yaml: clients[0].apps[0]: must begin with mail or news-: allowApps of this file in configDir.teams', 'mail.yaml: clients[0].apps[0]: no app is named "shop-x"; did you mean shop?']],
    ['an app of another team', { clients: [{ ...MAILER, apps: ['shop'] }] }, ['mail.yaml: clients[0].apps[0]: must begin with mail or news-: allowApps of this file in configDir.teams']],
    ['all apps', { clients: { mailer: { ...MAILER, name: undefined, apps: '*' } } }, ['mail.yaml: clients.mailer.apps: must begin with mail or news-: allowApps of this file in configDir.teams']],
    ['a name for an app', { apps: [OTHER_APP] }, ['mail.yaml: apps[0].name: must begin with mail or news-: allowApps of this file in configDir.teams']],
    ['a secret of the environment', { apps: [{ ...MAIL, appSecret: { env: 'PATH' } }] }, [expect.stringContaining('mail.yaml: apps[0].appSecret: '), 'mail.yaml: apps[0].appSecret.env: must be a file: allowFiles of this file in configDir.teams lets no variable be named']],
  ])('is no more than its entry allows: %s', (_what, tree, expected) => {
    expect(faults({ 'mail.yaml': tree })).toEqual(expected);
  });

  it.each([
    ['/run/secrets/shop/app-secret', 'appSecret'],
    ['/run/secrets/mail/../shop/app-secret', 'appSecret'],
    ['/run/secrets/mailbox/app-secret', 'appSecret'],
  ])('is no file of others: %s', (path) => {
    const [line] = faults({ 'mail.yaml': { apps: [{ ...MAIL, appSecret: { file: path } }] } }).filter((one) =>
      one.includes('allowFiles'),
    );
    expect(line).toBe(
      'mail.yaml: apps[0].appSecret.file: must be a file in /run/secrets/mail: allowFiles of this file in configDir.teams',
    );
    const ofKey = faults({
      'mail.yaml': { clients: [{ ...MAILER, apps: ['mail'], keys: [{ file: path }] }] },
    });
    expect(ofKey).toContain(
      'mail.yaml: clients[0].keys[0].file: must be a file in /run/secrets/mail: allowFiles of this file in configDir.teams',
    );
  });

  it('is nothing for a file that no entry is for', () => {
    expect(faults({ 'mail.yaml': {}, 'stray.yaml': {}, 'ops.yaml': {} })).toEqual([
      'ops.yaml: no entry of configDir.teams is for this file: add one, or take the file away',
      'stray.yaml: no entry of configDir.teams is for this file: add one, or take the file away',
    ]);
  });

  it('is said by the main file alone', () => {
    expect(faults({ 'mail.yaml': { configDir: { path: '/', teams: [{ files: '*' }] } } })).toEqual([
      'mail.yaml: configDir: is for the main file alone: a file of configDir has apps and clients',
    ]);
  });

  // prettier-ignore
  it.each<[string, unknown, string]>([
    ['no entry', [], 'configDir.teams: must list at least one entry, or be left out'],
    ['an entry without files', [{ allowScopes: ['token:read'] }], 'configDir.teams[0].files: must be set: the name of a file, such as orders.yaml or orders-*.yaml'],
    ['files in a folder', [{ files: 'a/*.yaml' }], 'configDir.teams[0].files: must be the name of a file, such as orders.yaml or orders-*.yaml, got text of 8 characters'],
    ['no such scope', [{ files: '*', allowScopes: ['all'] }], 'configDir.teams[0].allowScopes[0]: must be one of token:read, '],
    ['an empty beginning, which is all', [{ files: '*', allowApps: [''] }], 'configDir.teams[0].allowApps[0]: must be the beginning of a name of an app, such as orders-, got ""'],
    ['a relative folder', [{ files: '*', allowFiles: ['secrets'] }], 'configDir.teams[0].allowFiles[0]: must be the absolute path of a folder, got text of 7 characters'],
  ])('cannot be said with %s', (_what, teams, fault) => {
    expect(faults({}, teams)).toEqual([expect.stringContaining(fault)]);
  });
});

describe('a folder that cannot be used', () => {
  it('is one with more than a thousand files', () => {
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`${index}.yaml`, {}]));
    expect(faultsOf(() => load(withTeams(many)))).toEqual([
      'configDir.path: holds more than 1000 files *.yaml',
    ]);
  });

  it('is one that is not there', () => {
    expect(faultsOf(() => load(file({ configDir: { path: '/nowhere/at/all' } })))).toEqual([
      'configDir.path: cannot read the folder /nowhere/at/all: ENOENT',
    ]);
  });

  it('has a file that cannot be shown by its name', () => {
    expect(faultsOf(() => load(withTeams({ 'a b.yaml': 'apps: [', 'c.yaml': 'apps: [' })))).toEqual([
      expect.stringMatching(/^\(file 1 of configDir\): /),
      expect.stringMatching(/^c\.yaml: /),
    ]);
  });
});
