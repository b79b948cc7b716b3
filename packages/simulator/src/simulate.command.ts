import { parseArgs } from 'node:util';
import { flagHelp, inFlags, parseFlags, type Flag, type FlagValues, type PlatformCommand } from './flags.js';
import { ControlInputError } from './input-checks.js';
import type { Simulator } from './simulator.js';
import { oauth2Command } from './oauth2/oauth2.command.js';
import { qqCommand } from './qq/qq.command.js';
import { wechatCommand } from './wechat/wechat.command.js';
import { wecomCommand } from './wecom/wecom.command.js';

export interface CommandOutput {
  stdout(line: string): void;
  stderr(line: string): void;
}

/** `ended`: nothing is left running. `running`: until `stop()`. */
export type SimulateResult =
  | { readonly kind: 'ended'; readonly exitCode: 0 | 1 | 2 }
  | { readonly kind: 'running'; readonly url: string; readonly stop: () => Promise<void> };

const PLATFORMS: Readonly<Record<string, PlatformCommand>> = {
  wechat: wechatCommand,
  wecom: wecomCommand,
  oauth2: oauth2Command,
  qq: qqCommand,
};

const COMMON: Readonly<Record<string, Flag>> = {
  platform: { kind: 'text', option: 'platform', help: ['<name>', 'wechat, wecom, oauth2 or qq; wechat'] },
  port: { kind: 'number', option: 'port', help: ['<n>', '9100; 0 for any free port'] },
  host: { kind: 'text', option: 'host', help: ['<address>', '127.0.0.1'] },
};
const HELP: Readonly<Record<string, Flag>> = { help: { kind: 'switch', option: 'help', help: ['', ''] } };

interface Prepared {
  readonly command: PlatformCommand;
  readonly options: FlagValues;
  readonly port: number;
  readonly host: string;
  readonly simulator: Simulator;
}

/**
 * Runs `simulate`. Exit code 2 for arguments that make no sense and 1 when it cannot listen, each with one line on stderr.
 * The first line on stdout once it listens ends with its URL. Signals are the caller's business.
 */
export async function simulate(argv: readonly string[], io: CommandOutput): Promise<SimulateResult> {
  const prepared = prepare(argv);
  if ('fault' in prepared) {
    io.stderr(`simulate: ${prepared.fault}. --help lists the options.`);
    return { kind: 'ended', exitCode: 2 };
  }
  const { command, options, port, host, simulator } = prepared;
  if (options.help === true) {
    io.stdout(helpOf(command));
    return { kind: 'ended', exitCode: 0 };
  }
  try {
    const { url } = await simulator.start(port, host);
    for (const line of [
      `${command.title} simulator listening on ${url}`,
      ...command.greeting(url, options),
      `  curl ${url}/__sim/faults -d '{"kind":"early_death"}'    # the current tokens die`,
      `  curl ${url}/__sim/tokens                                # what was issued when, and how it ended`,
    ]) {
      io.stdout(line);
    }
    return { kind: 'running', url, stop: () => simulator.stop() };
  } catch (error) {
    io.stderr(`simulate: cannot listen: ${messageOf(error)}`);
    return { kind: 'ended', exitCode: 1 };
  }
}

/** A sentence on what is wrong with the arguments, or all that is needed to start. */
function prepare(argv: readonly string[]): { readonly fault: string } | Prepared {
  const name = platformOf(argv);
  const command = Object.hasOwn(PLATFORMS, name) ? PLATFORMS[name] : undefined;
  if (!command) return { fault: `--platform: must be ${Object.keys(PLATFORMS).join(' or ')}` };
  const flags = { ...COMMON, ...command.flags, ...HELP };
  try {
    const options = parseFlags(argv, flags);
    const { port = 9100, host = '127.0.0.1' } = options;
    if (!Number.isInteger(port) || Number(port) < 0 || Number(port) > 65_535) {
      return { fault: '--port: must be from 0 to 65535' };
    }
    return { command, options, port: Number(port), host: String(host), simulator: command.create(options) };
  } catch (error) {
    const message = messageOf(error);
    return { fault: error instanceof ControlInputError ? inFlags(message, flags) : message };
  }
}

/** Looked for first: it decides which flags there are. */
function platformOf(argv: readonly string[]): string {
  const options = { platform: { type: 'string', default: 'wechat' } } as const;
  return String(parseArgs({ args: [...argv], options, strict: false }).values.platform);
}

function helpOf({ about, flags }: PlatformCommand): string {
  return `Usage: access-token-broker-simulator [options]
   or: access-token-broker simulate [options]

${about}

${flagHelp({ ...COMMON, ...flags }).join('\n')}
  --help

Seconds take fractions. --platform with --help lists the options of another platform. /__sim/faults, /__sim/tokens,
/__sim/calls and /__sim/reset are the control API: it shows every token and changes what the simulator does, so keep the
simulator on the loopback address.`;
}

/** The first sentence: Node explains at length how positional arguments work. */
function messageOf(error: unknown): string {
  const message = String(error).replace(/^\w*Error(?: \[\w+\])?: /, '');
  return message.split(/\. (?=[A-Z])|\n/)[0] ?? '';
}
