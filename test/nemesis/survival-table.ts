import type { Survival } from './run-scenario.js';

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

/** The table of what was survived, in Markdown. */
export function survivalTable(rows: readonly Survival[]): string {
  const lines = [HEAD, HEAD.map((_, index) => (index === 0 ? '---' : '---:')), ...rows.map(cells)];
  return lines.map((line) => `| ${line.join(' | ')} |\n`).join('');
}

function cells(row: Survival): string[] {
  return [
    row.scenario,
    ...[row.requests, row.deadServed, row.deadExcepted, row.fetches, row.rotations, row.faults].map(String),
    `${String(row.convergedAfterMs)} ms`,
    row.violations.length === 0 ? 'yes' : '**no**',
  ];
}
