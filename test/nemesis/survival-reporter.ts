import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Survival } from './run-scenario.js';

/** Where a run leaves what its workers saw. */
export const NEMESIS_FOLDER = join(tmpdir(), 'access-token-broker-nemesis');
/** A `Survival` in JSON per line. */
export const SURVIVALS_FILE = join(NEMESIS_FOLDER, 'survivals.jsonl');

const HEAD = [
  'scenario',
  'requests',
  'dead served',
  'of the exception',
  'fetches',
  'rotations',
  'faults',
  'converged after',
  'survived',
];

/**
 * After the last scenario, prints the table of what was survived, in Markdown. Jest loads this file by itself, without
 * its transforms: it must import nothing but types and Node's own modules.
 */
// eslint-disable-next-line no-restricted-exports -- Jest takes a reporter from its default export
export default class SurvivalReporter {
  private readonly startedAtMs = Date.now();

  onRunStart(): void {
    mkdirSync(NEMESIS_FOLDER, { recursive: true });
    rmSync(SURVIVALS_FILE, { force: true });
  }

  onRunComplete(): void {
    if (!existsSync(SURVIVALS_FILE)) return;
    const rows = readFileSync(SURVIVALS_FILE, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Survival);
    const seconds = Math.round((Date.now() - this.startedAtMs) / 1000);
    const survived = rows.filter(({ violations }) => violations.length === 0).length;
    const sum = (count: (row: Survival) => number): string =>
      String(rows.reduce((total, row) => total + count(row), 0));
    const lines = [
      HEAD,
      HEAD.map((_, index) => (index === 0 ? '---' : '---:')),
      ...rows.map(cells),
      [
        `all ${String(rows.length)}, in ${String(seconds)} s`,
        sum(({ requests }) => requests),
        sum(({ deadServed }) => deadServed),
        sum(({ deadExcepted }) => deadExcepted),
        sum(({ fetches }) => fetches),
        sum(({ rotations }) => rotations),
        sum(({ faults }) => faults),
        '',
        String(survived),
      ],
    ];
    const measured = rows.flatMap(({ scenario, steps }) =>
      steps.filter((step) => /\d ms/.test(step)).map((step) => `- ${scenario}: ${step}\n`),
    );
    const table = lines.map((line) => `| ${line.join(' | ')} |\n`).join('');
    process.stdout.write(`\n${table}\n${measured.join('')}\n`);
  }
}

function cells(row: Survival): string[] {
  return [
    row.scenario,
    ...[row.requests, row.deadServed, row.deadExcepted, row.fetches, row.rotations, row.faults].map(String),
    `${String(row.convergedAfterMs)} ms`,
    row.violations.length === 0 ? 'yes' : '**no**',
  ];
}
