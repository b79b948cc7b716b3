import { tempFile } from '../../test/support/temp-file.js';
import { APP, CLIENT, OTHER_APP } from '../../test/support/config-file.js';
import { check } from './check.command.js';

function run(
  env: NodeJS.ProcessEnv,
  args: readonly string[] = [],
): { readonly code: number; readonly out: string; readonly err: string } {
  const text = { out: '', err: '' };
  const code = check({
    args,
    env,
    out: (more) => (text.out += more),
    err: (more) => (text.err += more),
  });
  return { code, ...text };
}

const GOOD = {
  BROKER_APP_ID: 'wx0123456789abcdef',
  BROKER_APP_SECRET: 'c0ffee0123456789c0ffee0123456789',
  BROKER_API_KEY: 'tbk_0123456789abcdefghijklmnopqrstuvwxyz',
};

describe('access-token-broker check', () => {
  it('says what a good configuration amounts to, without its secrets', () => {
    const { code, out, err } = run(GOOD);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('default (stable, wx0123456789abcdef)');
    expect(out).toContain('memory: run one replica');
    expect(out).not.toMatch(/c0ffee|tbk_/);
  });

  it('lists the faults of a bad one and fails', () => {
    const { code, out, err } = run({ ...GOOD, BROKER_GRANT: 'steady', PORT: 'eighty' });
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/2 faults:\n.*PORT: [^]*BROKER_GRANT: /);
  });

  describe('--against the file that a broker runs with', () => {
    const OTHER_SECRET = 'fedcba9876543210fedcba9876543210';
    const written = (tree: object): string =>
      tempFile(JSON.stringify({ apps: [APP], clients: [CLIENT], ...tree }));
    const against = (running: string, next: string) => run({ BROKER_CONFIG: next }, ['--against', running]);

    it('says of each change what it would do, and no secret', () => {
      const next = written({
        apps: [{ ...APP, appSecret: OTHER_SECRET, refresh: { aheadSeconds: 600 } }, OTHER_APP],
        clients: [{ ...CLIENT, apps: '*' }],
        server: { port: 9000 },
      });
      const { code, out, err } = against(written({}), next);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const [, changes = ''] = out.split('a broker that runs would change:\n');
      expect(changes.trimEnd().split('\n')).toEqual([
        expect.stringMatching(
          /^ {2}apps\.shop\.refresh\.aheadSeconds: takes effect at once; the tokens stay$/,
        ),
        expect.stringMatching(/^ {2}apps\.shop\.appSecret: is tried at once/),
        expect.stringMatching(/^ {2}apps\.club: is added/),
        expect.stringMatching(/^ {2}clients\.orders\.apps: takes effect at once; what is withdrawn/),
        '  server.port: takes effect only after a restart',
      ]);
      expect(out).not.toMatch(/0123456789abcdef0123456789abcdef|fedcba9876543210fedc/);
    });

    it('says of apps that go and that become others what they would do', () => {
      const before = written({ apps: [APP, OTHER_APP] });
      const { out } = against(before, written({ apps: [{ ...APP, grant: 'classic' }] }));
      expect(out).toMatch(/apps\.shop: becomes another app[^]*apps\.club: is removed/);
    });

    it('says that nothing would change', () => {
      expect(against(written({}), written({})).out).toMatch(/would change nothing\n$/);
    });

    it('shows no name that may be a secret', () => {
      const name = 'f00d0123456789';
      const { out } = against(written({}), written({ apps: [APP, { ...OTHER_APP, name }] }));
      expect(out).toContain('apps.(a name not shown): is added');
      expect(out).not.toContain(name);
    });

    it.each([
      [
        'the new one',
        written,
        (tree: object) => written({ ...tree, colour: 'red' }),
        /^the configuration has/,
      ],
      ['the old one', (tree: object) => written({ ...tree, colour: 'red' }), written, /^--against: the conf/],
    ])('fails with the faults of %s', (_which, running, next, fault) => {
      const { code, out, err } = against(running({}), next({}));
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(fault);
      expect(err).toContain('colour');
    });

    it('explains itself, and reads nothing', () => {
      const { code, out, err } = run({}, ['--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^usage: access-token-broker check/);
    });

    it.each([[['--against']], [['--against', '']], [['--agains', 'x']], [['old.yaml']]])(
      'says how it is used for %j',
      (args) => {
        const { code, err } = run(GOOD, args);
        expect(code).toBe(2);
        expect(err).toMatch(/^usage: access-token-broker check/);
      },
    );
  });
});
