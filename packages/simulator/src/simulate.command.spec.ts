import { DEFAULT_APP } from './wechat/settings.js';
import { simulate, type SimulateResult } from './simulate.command.js';

let result: SimulateResult | undefined;

async function run(...argv: string[]): Promise<{ out: string[]; err: string[]; result: SimulateResult }> {
  const [out, err]: [string[], string[]] = [[], []];
  result = await simulate(argv, { stdout: (line) => out.push(line), stderr: (line) => err.push(line) });
  return { out, err, result };
}

afterEach(async () => {
  if (result?.kind === 'running') await result.stop();
});

describe('simulate', () => {
  it('says where it listens, in a line of its own, and how to try it', async () => {
    const { out, err, result } = await run('--port', '0');
    if (result.kind !== 'running') throw new Error('It does not run');
    expect(out[0]).toBe(`WeChat simulator listening on ${result.url}`);
    expect(out.join('\n')).toContain(DEFAULT_APP.appId);
    expect(out.join('\n')).toContain(DEFAULT_APP.appSecret);
    expect(err).toEqual([]);
    const [, url = ''] = /curl '([^']+\/cgi-bin\/token[^']+)'/.exec(out.join('\n')) ?? [];
    expect(await (await fetch(url)).json()).toMatchObject({ expires_in: 7200 });
  });

  it('takes its settings from flags', async () => {
    const { result } = await run(
      ...['--port', '0', '--app-id', 'wx1', '--app-secret', 's', '--expires-in', '12.5', '--grace', '2'],
      ...[
        '--day-quota',
        '1',
        '--minute-quota',
        '9',
        '--force-interval',
        '3',
        '--ip-whitelist',
        '127.0.0.1, ::1',
      ],
    );
    if (result.kind !== 'running') throw new Error('It does not run');
    const fetchToken = async () => {
      const query = 'grant_type=client_credential&appid=wx1&secret=s';
      return (await fetch(`${result.url}/cgi-bin/token?${query}`)).json();
    };
    expect(await fetchToken()).toMatchObject({ expires_in: 12 });
    expect(await fetchToken()).toMatchObject({ errcode: 45009 });
  });

  it.each([
    [
      'wecom',
      'WeCom simulator listening on ',
      ['--corp-id', 'ww1', '--corp-secret', 's', '--expires-in', '30', '--trusted-ips', '10.0.0.1'],
      '/cgi-bin/gettoken?corpid=ww1&corpsecret=s',
    ],
    ['oauth2', 'OAuth 2 simulator listening on ', ['--client-id', 'c', '--life-as', 'text'], '/oauth2/token'],
    ['wechat', 'WeChat simulator listening on ', ['--type', 'website'], '/connect/qrconnect'],
    ['wechat', 'WeChat simulator listening on ', ['--type', 'mini_program'], '/__sim/codes'],
    [
      'qq',
      'QQ simulator listening on ',
      ['--app-id', '101', '--redirect-uris', 'http://a/'],
      '/oauth2.0/authorize',
    ],
  ])('--platform %s runs another one', async (platform, greeting, flags, path) => {
    const { out, err, result } = await run('--platform', platform, '--port', '0', ...flags);
    if (result.kind !== 'running') throw new Error('It does not run');
    expect(err).toEqual([]);
    expect(out[0]).toBe(greeting + result.url);
    expect(out.join('\n')).toContain(`${result.url}${path}`);
  });

  it('--help with --platform lists the flags of that platform', async () => {
    const { out } = await run('--platform=wecom', '--help');
    expect(out.join('\n')).toContain('--after-early-death');
    expect(out.join('\n')).not.toContain('--app-id');
  });

  it('--help names every flag and warns of the control API', async () => {
    const { out, result } = await run('--help');
    expect(result).toEqual({ kind: 'ended', exitCode: 0 });
    for (const flag of [
      '--port',
      '--app-id',
      '--expires-in',
      '--grace',
      '--ip-whitelist',
      '--wrong-secret-errcode',
    ]) {
      expect(out.join('\n')).toContain(flag);
    }
    expect(out.join('\n')).toContain('shows every');
    expect(out.join('\n')).toContain(DEFAULT_APP.appSecret);
  });

  it.each([
    [['--prt', '1'], "simulate: Unknown option '--prt'. --help lists the options."],
    [['9100'], "simulate: Unexpected argument '9100'. --help lists the options."],
    [['--port', 'x'], 'simulate: --port: must be from 0 to 65535. --help lists the options.'],
    [['--port'], "simulate: Option '--port <value>' argument missing. --help lists the options."],
    [
      ['--expires-in', '0.5'],
      'simulate: --expires-in: must be a number, at least 1. --help lists the options.',
    ],
    [['--grace', ''], 'simulate: --grace: must be a number, at least 0. --help lists the options.'],
    [['--grace', '7200'], 'simulate: --grace: must be shorter than --expires-in. --help lists the options.'],
    [
      ['--type', 'qq'],
      'simulate: --type: must be official_account or mini_program or website. --help lists the options.',
    ],
    [['--callback-domains', 'a,b,c'], 'simulate: --callback-domains: at most 2. --help lists the options.'],
    [['--refusal', 'x'], 'simulate: --refusal: must be redirect or close. --help lists the options.'],
    [
      ['--platform', 'line'],
      'simulate: --platform: must be wechat or wecom or oauth2 or qq. --help lists the options.',
    ],
    [
      ['--platform', 'wecom', '--in-hole', 'x'],
      'simulate: --in-hole: must be late or same_token or busy. --help lists the options.',
    ],
    [
      ['--platform', 'wecom', '--app-id', 'x'],
      "simulate: Unknown option '--app-id'. --help lists the options.",
    ],
    [
      ['--ip-whitelist', 'a,b'],
      'simulate: --ip-whitelist: must be a list of IP addresses, or null. --help lists the options.',
    ],
    [
      ['--wrong-secret-errcode', '1'],
      'simulate: --wrong-secret-errcode: must be 40125 or 40001. --help lists the options.',
    ],
  ])('%j ends with exit code 2 and one line', async (argv, line) => {
    const { out, err, result } = await run(...argv);
    expect(result).toEqual({ kind: 'ended', exitCode: 2 });
    expect(err).toEqual([line]);
    expect(out).toEqual([]);
  });

  it('ends with exit code 1 where it cannot listen', async () => {
    const { err, result } = await run('--port', '0', '--host', '192.0.2.1');
    expect(result).toEqual({ kind: 'ended', exitCode: 1 });
    expect(err[0]).toMatch(/^simulate: cannot listen: listen EADDRNOTAVAIL/);
  });
});
