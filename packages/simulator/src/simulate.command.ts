import { parseArgs } from 'node:util';
import { DEFAULT_APP, type SimulatorOptions } from './wechat/settings.js';
import { WechatSimulator } from './wechat/wechat-simulator.js';

export interface CommandOutput {
  stdout(line: string): void;
  stderr(line: string): void;
}

/** `ended`: nothing is left running. `running`: until `stop()`. */
export type SimulateResult =
  | { readonly kind: 'ended'; readonly exitCode: 0 | 1 | 2 }
  | { readonly kind: 'running'; readonly url: string; readonly stop: () => Promise<void> };

const HELP = `Usage: access-token-broker-simulator [options]
   or: access-token-broker simulate [options]

WeChat's token rules on a local port: both token families, quotas, errcodes, tickets, faults on demand.

  --port <n>                   9100; 0 for any free port
  --host <address>             127.0.0.1
  --app-id <id>                ${DEFAULT_APP.appId}
  --app-secret <secret>        ${DEFAULT_APP.appSecret}
  --expires-in <seconds>       life of a token, 7200, at least 1
  --grace <seconds>            overlap of old and new token, 300; scaled with --expires-in
  --force-interval <seconds>   between two forced refreshes, 30
  --day-quota <n>              GET /cgi-bin/token a day, 2000
  --minute-quota <n>           GET /cgi-bin/token a minute, no limit
  --sandbox                    a test account: 200 a day
  --ip-whitelist <a,b>         callers that may fetch tokens; all
  --wrong-secret-errcode <n>   40125 or 40001
  --help

Seconds take fractions. /__sim/faults, /__sim/tokens, /__sim/calls and /__sim/reset are the control API: it shows every
token and changes what the simulator does, so keep the simulator on the loopback address.`;

/** Flags that carry a number, by the option of the simulator that they set. */
const NUMBERS = {
  expiresInSeconds: 'expires-in',
  graceSeconds: 'grace',
  forceIntervalSeconds: 'force-interval',
  dayQuota: 'day-quota',
  minuteQuota: 'minute-quota',
} as const;

const FLAGS = {
  port: { type: 'string', default: '9100' },
  host: { type: 'string', default: '127.0.0.1' },
  'app-id': { type: 'string', default: DEFAULT_APP.appId },
  'app-secret': { type: 'string', default: DEFAULT_APP.appSecret },
  'expires-in': { type: 'string' },
  grace: { type: 'string' },
  'force-interval': { type: 'string' },
  'day-quota': { type: 'string' },
  'minute-quota': { type: 'string' },
  sandbox: { type: 'boolean' },
  'ip-whitelist': { type: 'string' },
  'wrong-secret-errcode': { type: 'string', default: '40125' },
  help: { type: 'boolean' },
} as const;

type Arguments = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values'];

/**
 * Runs `simulate`. Exit code 2 for arguments that make no sense and 1 when it cannot listen, each with one line on stderr.
 * The first line on stdout once it listens ends with its URL. Signals are the caller's business.
 */
export async function simulate(argv: readonly string[], io: CommandOutput): Promise<SimulateResult> {
  const prepared = prepare(argv);
  if (typeof prepared === 'string') {
    io.stderr(`simulate: ${prepared}. --help lists the options.`);
    return { kind: 'ended', exitCode: 2 };
  }
  const { args, port, simulator } = prepared;
  if (args.help) {
    io.stdout(HELP);
    return { kind: 'ended', exitCode: 0 };
  }
  try {
    const { url } = await simulator.start(port, args.host);
    for (const line of greeting(url, simulator)) io.stdout(line);
    return { kind: 'running', url, stop: () => simulator.stop() };
  } catch (error) {
    io.stderr(`simulate: cannot listen: ${messageOf(error)}`);
    return { kind: 'ended', exitCode: 1 };
  }
}

/** A sentence on what is wrong with the arguments, or all that is needed to start. */
function prepare(
  argv: readonly string[],
): string | { args: Arguments; port: number; simulator: WechatSimulator } {
  try {
    const args = parseArgs({ args: [...argv], options: FLAGS }).values;
    const port = numberFrom(args.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) return '--port: must be from 0 to 65535';
    const errcode = numberFrom(args['wrong-secret-errcode']);
    if (errcode !== 40125 && errcode !== 40001) return '--wrong-secret-errcode: must be 40125 or 40001';
    return {
      args,
      port,
      simulator: new WechatSimulator({ ...optionsFrom(args), wrongSecretErrcode: errcode }),
    };
  } catch (error) {
    return inFlags(messageOf(error));
  }
}

function optionsFrom(args: Arguments): SimulatorOptions {
  const numbers = Object.entries(NUMBERS).flatMap(([option, flag]) => {
    const value = args[flag];
    return value === undefined ? [] : [[option, numberFrom(value)] as const];
  });
  return {
    ...Object.fromEntries(numbers),
    apps: [{ appId: args['app-id'], appSecret: args['app-secret'] }],
    ipWhitelist: args['ip-whitelist']?.split(',').map((ip) => ip.trim()),
    sandbox: args.sandbox,
  };
}

/** NaN, which the simulator refuses, for what is no number. */
function numberFrom(value: string): number {
  return value.trim() === '' ? Number.NaN : Number(value);
}

/** The first sentence: Node explains at length how positional arguments work. */
function messageOf(error: unknown): string {
  const message = String(error).replace(/^\w*Error(?: \[\w+\])?: /, '');
  return message.split(/\. (?=[A-Z])|\n/)[0] ?? '';
}

/** The simulator speaks of its options; whoever typed them knows them as flags. */
function inFlags(message: string): string {
  return Object.entries({ ...NUMBERS, ipWhitelist: 'ip-whitelist' }).reduce(
    (text, [option, flag]) => text.replaceAll(option, `--${flag}`),
    message,
  );
}

function greeting(url: string, simulator: WechatSimulator): string[] {
  const [app = DEFAULT_APP] = simulator.settings.apps;
  const body = { grant_type: 'client_credential', appid: app.appId, secret: app.appSecret };
  return [
    `WeChat simulator listening on ${url}`,
    `AppID      ${app.appId}`,
    `AppSecret  ${app.appSecret}`,
    'Try:',
    `  curl '${url}/cgi-bin/token?grant_type=client_credential&appid=${app.appId}&secret=${app.appSecret}'`,
    `  curl ${url}/cgi-bin/stable_token -d '${JSON.stringify(body)}'`,
    `  curl '${url}/cgi-bin/get_api_domain_ip?access_token=TOKEN'`,
    `  curl ${url}/__sim/faults -d '{"kind":"early_death"}'    # the current tokens die`,
    `  curl ${url}/__sim/tokens                                # what was issued when, and how it ended`,
  ];
}
