import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Checks the model of the refresh protocol with Spin: the protocol as it is has to hold in every history, each weakened
 * variant and each case that stays open has to be caught. `--stories` prints the shortest history that breaks a run.
 */

const MODELS = fileURLToPath(new URL('.', import.meta.url));
const RUN_TIMEOUT_MS = 120_000;

type Verdict = 'holds' | 'violation';

interface Run {
  readonly name: string;
  readonly model: 'refresh-protocol' | 'change-list';
  /** What is defined in the model, see its #ifdefs. */
  readonly defines: readonly string[];
  readonly expected: Verdict;
}

interface Finding {
  readonly found: Verdict | 'no result';
  readonly states: number;
  readonly seconds: number;
  /** The steps that lead to the violation, or why there is no result. */
  readonly story: string;
}

const holds = (name: string, ...defines: string[]): Run => run(name, defines, 'holds');
const breaks = (name: string, ...defines: string[]): Run => run(name, defines, 'violation');
const run = (name: string, defines: readonly string[], expected: Verdict): Run => ({
  name,
  model: name.startsWith('list') ? 'change-list' : 'refresh-protocol',
  defines,
  expected,
});

const RUNS: readonly Run[] = [
  holds('the protocol: crashes, late and lost messages', 'BEGINS=4'),
  holds('the protocol: pauses past the send guard', 'PAUSE'),
  holds('the protocol: a failover that loses writes', 'FAILOVER'),
  holds('the protocol: fetches without the store', 'OUTAGE'),
  breaks('weakened: no fence', 'NO_FENCE'),
  breaks('weakened: a fence, and no suspect tokens', 'FENCE_ONLY'),
  breaks('weakened: no intent', 'NO_INTENT'),
  breaks('weakened: no suspect tokens after a failover', 'FAILOVER', 'NO_SUSPECT'),
  breaks('weakened: overlapping fetches are trusted', 'NO_OVERLAP'),
  breaks('weakened: only an intent makes a fetch overlap', 'OVERLAP_BY_INTENT'),
  breaks('weakened: an unknown outcome starts no new wait', 'PAUSE', 'HASTY_ABORT'),
  breaks('weakened: the same, after a failover', 'FAILOVER', 'HASTY_ABORT'),
  breaks('weakened: an abort that failed is not repeated', 'FAILOVER', 'DROPPED_ABORT'),
  breaks('weakened: the same, of a fetch without the store', 'OUTAGE', 'DROPPED_ABORT'),
  breaks('weakened: a fetch without the store is no fork', 'OUTAGE', 'FORGOTTEN_OFFLINE'),
  breaks('open: paused past the guard, and killed', 'PAUSE', 'OPEN_DEATH'),
  breaks('open: a lost intent, and the death of its owner', 'FAILOVER', 'OPEN_DEATH'),
  breaks('open: a fetch without the store, and a death', 'OUTAGE', 'OPEN_DEATH'),
  breaks('open: somebody else has the AppSecret', 'OPEN_STRANGER'),
  holds('list: entries with the state; trimmed, and crashes', 'TRIM', 'CRASH', 'OTHER_APP'),
  holds('list: a failover that cuts connections', 'FAILOVER', 'CRASH'),
  holds('list: a failover that nobody sees, a sweep', 'FAILOVER', 'HIDDEN', 'CRASH', 'SWEEP'),
  holds('list: entries after the state, late, out of order', 'CLUSTER', 'TRIM', 'OTHER_APP'),
  holds('list: the same, and a node fails over', 'CLUSTER', 'FAILOVER'),
  holds('list: entries lost by the death of writers, a sweep', 'CLUSTER', 'CRASH', 'SWEEP'),
  breaks('list, weakened: no sweep behind lost entries', 'CLUSTER', 'CRASH'),
  breaks('list, weakened: no look for the last entry', 'TRIM', 'OTHER_APP', 'NO_ANCHOR'),
  breaks('list, open until the sweep: a failover nobody sees', 'FAILOVER', 'HIDDEN'),
];

function main(): void {
  const missing = ['spin', 'gcc'].filter((tool) => spawnSync(tool, ['--version']).error);
  if (missing.length > 0) {
    console.error(`${missing.join(' and ')} not found. On Debian and Ubuntu: apt-get install -y spin gcc`);
    process.exitCode = 1;
    return;
  }
  const withStories = process.argv.includes('--stories');
  console.log(`${'run'.padEnd(52)} ${'expected'.padEnd(10)} ${'found'.padEnd(10)} states    seconds`);
  for (const run of RUNS) {
    const { found, states, seconds, story } = check(run);
    console.log(
      `${run.name.padEnd(52)} ${run.expected.padEnd(10)} ${found.padEnd(10)} ${String(states).padStart(9)} ${seconds.toFixed(1).padStart(6)}`,
    );
    if (found !== run.expected) process.exitCode = 1;
    if (story && (withStories || found !== run.expected)) console.log(story.replace(/^/gm, '    '));
  }
  console.log(process.exitCode ? 'FAILED: not everything is as expected.' : 'All runs are as expected.');
}

function check({ model, defines, expected }: Run): Finding {
  const folder = mkdtempSync(join(tmpdir(), 'model-'));
  const startMs = Date.now();
  try {
    cpSync(join(MODELS, `${model}.pml`), join(folder, 'model.pml'));
    const flags = defines.map((define) => `-D${define}`);
    // Breadth first finds the shortest history, and soon; depth first needs less memory to see them all.
    const search = expected === 'violation' ? ['-O0', '-DBFS'] : ['-O2'];
    const execute = (command: string, ...args: string[]): string => {
      const { stdout, stderr, error } = spawnSync(command, args, {
        cwd: folder,
        encoding: 'utf8',
        timeout: RUN_TIMEOUT_MS,
      });
      return `${stdout}${stderr}${error ? error.message : ''}`;
    };
    const said = [
      execute('spin', '-a', ...flags, 'model.pml'),
      execute('gcc', ...search, '-DSAFETY', '-DCOLLAPSE', '-DMEMLIM=4096', '-o', 'pan', 'pan.c'),
    ].join('');
    // -E: a replica that waits for nothing is no deadlock.
    const report = execute('./pan', '-E', '-m10000', '-w24');
    const found = verdictOf(report);
    return {
      found,
      states: Number(/(\d+) states, stored/.exec(report)?.[1] ?? 0),
      seconds: (Date.now() - startMs) / 1000,
      story:
        found === 'violation'
          ? storyOf(execute('spin', '-t', '-T', ...flags, 'model.pml'))
          : found === 'holds'
            ? ''
            : said + report,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A search that was cut short shows nothing. */
function verdictOf(report: string): Finding['found'] {
  if (report.includes('assertion violated')) return 'violation';
  const isComplete = report.includes('errors: 0') && !/Search not completed|too small/.test(report);
  return isComplete ? 'holds' : 'no result';
}

function storyOf(replay: string): string {
  const steps = replay.split('\n').filter((line) => /^(replica|store|platform|rest)\b.*:/.test(line));
  return [...new Set(steps)].join('\n');
}

main();
