#!/usr/bin/env -S node --max-semi-space-size=8
const USAGE = `Usage: access-token-broker <command>

  serve       run the broker; configured by BROKER_CONFIG or the environment (see README.md)
  check       read the configuration as serve does, and say what is wrong with it;
              --against FILE says what it would change in a broker that runs with FILE
  diagnose    try the way to each platform and to Redis, step by step
  keygen      print a new API key and its SHA-256
  version     print the version, also as --version
  simulate    run a simulator of WeChat, WeCom, QQ Connect or an OAuth 2 server, if it is installed

A command with --help says more: access-token-broker check --help`;

const NO_SIMULATOR = `access-token-broker: the simulator is a package of its own, which is not installed here. Run it by itself:
  npx @access-token-broker/simulator
or, in the repository, build it (npm ci && npm run build), or make an image of it: docker build --target simulator -t wechat-simulator .`;

// Before anything is loaded: at this signal Node would open its inspector, through which anybody on the machine can run code here.
process.on('SIGUSR1', () => {
  console.error('access-token-broker: SIGUSR1 is ignored.');
});

// `check | head`: whoever reads has seen enough. `serve` outlives lines that are lost, and says so itself.
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE' || command === 'serve') return;
  console.error(`access-token-broker: ${message}`);
  process.exit(1);
});

const [command, ...args] = process.argv.slice(2);
const io = {
  args,
  out: (text: string) => process.stdout.write(text),
  err: (text: string) => process.stderr.write(text),
};

switch (command) {
  case 'serve':
    if (takesNone(command, args)) await import('./main.js');
    break;
  case 'check':
    process.exitCode = (await import('./config/check.command.js')).check(io);
    break;
  case 'diagnose':
    process.exitCode = await (await import('./diagnose/diagnose.command.js')).diagnose(io);
    break;
  case 'keygen':
    process.exitCode = (await import('./config/keygen.command.js')).keygen(io);
    break;
  case 'simulate':
    await runSimulator();
    break;
  case 'version':
  case '--version':
  case '-v':
    if (takesNone(command, args)) {
      console.log((await import('./observability/read-version.js')).readVersion());
    }
    break;
  case undefined:
  case 'help':
  case '--help':
  case '-h':
    console.log(USAGE);
    process.exitCode = command === undefined ? 2 : 0;
    break;
  default:
    console.error(`access-token-broker: there is no command "${command}".\n\n${USAGE}`);
    process.exitCode = 2;
}

/** Whether the command may run. An argument that nobody reads, as a path of a configuration, would be believed to count. */
function takesNone(name: string, given: readonly string[]): boolean {
  if (given.length === 0) return true;
  const asksForHelp = given.includes('--help');
  if (asksForHelp) console.log(USAGE);
  else console.error(`access-token-broker: ${name} takes no arguments.\n\n${USAGE}`);
  process.exitCode = asksForHelp ? 0 : 2;
  return false;
}

async function runSimulator(): Promise<void> {
  const simulator = await import('@access-token-broker/simulator').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
  });
  if (!simulator) {
    console.error(NO_SIMULATOR);
    process.exitCode = 2;
    return;
  }
  const { simulate } = simulator;
  const result = await simulate(args, { stdout: console.log, stderr: console.error });
  if (result.kind === 'ended') {
    process.exitCode = result.exitCode;
    return;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void result.stop();
    });
  }
}
