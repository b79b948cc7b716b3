import { parseArgs } from 'node:util';
import { SHOWN_DIGITS } from '../core/client-keys.js';
import { SystemClock } from '../core/system-clock.js';
import { endingKeys } from './client.section.js';
import { changesBetween, type ChangeEffect } from './config-changes.js';
import type { Config } from './config.js';
import { ConfigError, isWordLike } from './faults.js';
import { loadConfig } from './load-config.js';

const USAGE = `usage: access-token-broker check [--against FILE]
  reads the configuration as serve does, and says what is wrong with it; with --against, also what it would change in a
  broker that runs with FILE
`;

const EFFECTS: Readonly<Record<ChangeEffect, string>> = {
  at_once: 'takes effect at once; the tokens stay',
  app_added: 'is added: its token is taken from the store, or fetched',
  app_removed: 'is removed: it is answered with 404, and a fetch that is under way is still stored',
  app_replaced:
    'becomes another app under the same name: the token of the old one is dropped, one of the new one fetched',
  secret_tried: 'is tried at once; the old one is kept until the new one has worked',
  restart_required: 'takes effect only after a restart',
};

const OF_CALLERS = 'takes effect at once; what is withdrawn is refused from the next request on';

export interface CheckIo {
  /** What follows `check` on the command line. */
  readonly args?: readonly string[];
  /** Left out: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Left out: the wall clock. */
  readonly nowMs?: number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Reads the configuration as `serve` does, and says what is wrong with it or what it amounts to, and what it would change.
 * Asks no platform and no store. Returns the exit code.
 */
export function check({
  args = [],
  env = process.env,
  nowMs = new SystemClock().wallMs(),
  out,
  err,
}: CheckIo): 0 | 1 | 2 {
  if (args.includes('--help')) {
    out(USAGE);
    return 0;
  }
  const against = againstIn(args);
  if (against === null) {
    err(USAGE);
    return 2;
  }
  const next = read(env, '', err);
  const running = against === undefined ? next : read({ ...env, BROKER_CONFIG: against }, '--against: ', err);
  if (!next || !running) return 1;
  const { apps, clients, redis, warnings } = next;
  out(`the configuration is good
  apps: ${apps.map(({ name, shownKind, shownId }, index) => `${shownName(name, index)} (${shownKind}, ${shownId})`).join(', ')}
  clients: ${clients.map(({ name, scopes }, index) => `${shownName(name, index)} (${scopes.join(' ')})`).join(', ')}
  tokens are kept in ${redis ? `Redis (${redis.server.kind})` : 'memory: run one replica'}
`);
  for (const { path, text } of warnings) out(`warning: ${path}: ${text}\n`);
  for (const { client, sha256, expiresAtMs, hasEnded } of endingKeys(clients, nowMs)) {
    const named = isWordLike(client) ? client : '(a name not shown)';
    const ends = `${hasEnded ? 'expired' : 'expires'} at ${new Date(expiresAtMs).toISOString()}`;
    out(`warning: clients.${named}: the API key ${sha256.slice(0, SHOWN_DIGITS)} ${ends}\n`);
  }
  if (against !== undefined) out(changesText(running, next));
  return 0;
}

/** Undefined without the option; null if the arguments are no good. */
function againstIn(args: readonly string[]): string | undefined | null {
  try {
    const { against } = parseArgs({ args: [...args], options: { against: { type: 'string' } } }).values;
    return against === '' ? null : against;
  } catch {
    return null;
  }
}

function read(env: NodeJS.ProcessEnv, heading: string, err: CheckIo['err']): Config | null {
  try {
    return loadConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`${heading}${error.message}\n`);
    return null;
  }
}

function changesText(running: Config, next: Config): string {
  const changes = changesBetween(running, next);
  if (changes.length === 0) return 'a broker that runs would change nothing\n';
  const names = [...running.apps, ...running.clients, ...next.apps, ...next.clients].map(({ name }) => name);
  const hidden = names.filter((name) => !isWordLike(name));
  const lines = changes.map(({ path, effect }) => {
    const name = hidden.find((one) => `${path}.`.includes(`.${one}.`));
    const shown =
      name === undefined ? path : `${path}.`.replace(`.${name}.`, '.(a name not shown).').slice(0, -1);
    const isOfCallers = /^(clients\.|identities)/.test(path);
    return `  ${shown}: ${isOfCallers ? OF_CALLERS : EFFECTS[effect]}\n`;
  });
  return `a broker that runs would change:\n${lines.join('')}`;
}

/** A name that may be a secret in the wrong place is told by its place. */
function shownName(name: string, index: number): string {
  return isWordLike(name) ? name : `number ${index + 1}`;
}
