import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runScenario, type Survival } from './run-scenario.js';
import type { Scenario } from './scenario.js';
import { survivalTable } from './survival-table.js';

const TIMEOUT_MS = 90_000;
const LOGS = join(tmpdir(), 'access-token-broker-nemesis');

/** One test for each scenario; after the last one, the table of what was survived. */
export function describeScenarios(title: string, scenarios: readonly Scenario[]): void {
  describe(title, () => {
    const rows: Survival[] = [];

    afterAll(() => {
      process.stdout.write(`\n${survivalTable(rows)}\n`);
    });

    for (const scenario of scenarios) {
      it(
        scenario.name,
        async () => {
          const survival = await runScenario(scenario);
          rows.push(survival);
          if (survival.violations.length > 0) throw new Error(report(survival));
        },
        TIMEOUT_MS,
      );
    }
  });
}

/** The logs go to a file: jest takes minutes over an error message that long. */
function report({ scenario, violations, steps, logs }: Survival): string {
  mkdirSync(LOGS, { recursive: true });
  const file = join(LOGS, `${scenario.replaceAll(/\W+/g, '-')}.log`);
  const story = [...violations, ...steps.map((step) => `did: ${step}`)].join('\n');
  writeFileSync(file, `${story}\n${logs}`);
  return `${story}\nlogs: ${file}`;
}
