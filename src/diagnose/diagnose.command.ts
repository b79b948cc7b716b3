import type { AppSection } from '../config/app.section.js';
import type { Config } from '../config/config.js';
import { ConfigError } from '../config/faults.js';
import { loadConfig } from '../config/load-config.js';
import type { Clock } from '../core/ports/clock.js';
import { Redactor } from '../core/redaction/redactor.js';
import { SystemClock } from '../core/system-clock.js';
import { tokenShapes } from '../platforms/registry.js';
import { checkPlatform, fetchToken } from './check-platform.js';
import type { Finding } from './check-way.js';

const USAGE = `usage: access-token-broker diagnose [app] [--fetch]
  tries the way to the platform of every app, or of one, and to Redis, step by step
  --fetch  asks for a token too: with the classic grant that replaces the one in use,
           which then lives for five more minutes only
`;

const SECRET_REMEDY = 'Put the AppSecret where apps[].appSecret says: it is read again within seconds.';

export interface DiagnoseIo {
  /** What follows `diagnose` on the command line. */
  readonly args: readonly string[];
  /** Left out: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Prints a line for each step, OK or FAIL, with its remedy. Returns the exit code: 1 when a step failed, 2 when it was asked wrongly. */
export async function diagnose({ args, env, out, err }: DiagnoseIo): Promise<0 | 1 | 2> {
  if (args.includes('--help')) {
    out(USAGE);
    return 0;
  }
  const withFetch = args.includes('--fetch');
  const [wanted, ...more] = args.filter((arg) => arg !== '--fetch');
  if (more.length > 0 || wanted?.startsWith('-')) {
    err(USAGE);
    return 2;
  }
  const redactor = new Redactor(tokenShapes());
  let config: Config;
  try {
    config = loadConfig(env, { redactor, mayAwaitAppSecrets: true });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`${error.message}\n`);
    return 1;
  }
  const apps = config.apps.filter(({ name }) => wanted === undefined || name === wanted);
  if (apps.length === 0) {
    err('access-token-broker: no app of the configuration has this name.\n');
    return 2;
  }
  const clock = new SystemClock();
  let failures = 0;
  const tell = (about: string, findings: readonly Finding[]): void => {
    for (const { step, isGood, text, remedy } of findings) {
      if (!isGood) failures += 1;
      out(redactor.redact(`${isGood ? 'OK  ' : 'FAIL'}  ${about}  ${step}: ${text}\n`));
      if (!isGood) out(redactor.redact(`      ${remedy ?? ''}\n`));
    }
  };
  await diagnoseApps(apps, config, withFetch, clock, tell, out);
  if (config.redis) {
    const { checkRedis } = await import('./check-redis.js');
    const withClaims = config.apps.some(({ grant }) => grant === 'classic');
    tell('redis', await checkRedis(config.redis, clock, { withClaims }));
  }
  return failures > 0 ? 1 : 0;
}

async function diagnoseApps(
  apps: readonly AppSection[],
  config: Config,
  withFetch: boolean,
  clock: Clock,
  tell: (about: string, findings: readonly Finding[]) => void,
  out: (text: string) => void,
): Promise<void> {
  const egresses = [...new Set(apps.map((app) => config.egressOf(app)))];
  const [unused] = egresses.flatMap(({ unusedProxyVariable }) => unusedProxyVariable ?? []);
  if (unused !== undefined) out(`NOTE  ${unused} is set, but the broker does not use it: see egress\n`);
  const wayOf = (app: AppSection): string =>
    `${app.provider} ${app.apiBaseUrl} ${String(egresses.indexOf(config.egressOf(app)))}`;
  for (const way of new Set(apps.map(wayOf))) {
    const [first, ...others] = apps.filter((app) => wayOf(app) === way);
    if (!first) continue;
    const about = `${first.name}${others.length > 0 ? ` and ${String(others.length)} more` : ''}`;
    tell(about, await checkPlatform(first, config.egressOf(first), clock));
  }
  for (const app of apps) {
    const { fault } = app.appSecret;
    if (fault !== null) {
      tell(app.name, [{ step: 'AppSecret', isGood: false, text: fault, remedy: SECRET_REMEDY }]);
      continue;
    }
    if (!withFetch) continue;
    if (app.grant === 'classic') {
      out(`NOTE  ${app.name}  the token in use is replaced now, and lives for five more minutes only\n`);
    }
    tell(app.name, [await fetchToken(app, config.egressOf(app), clock)]);
  }
}
