import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScenario, type Survival } from './run-scenario.js';
import type { Scenario } from './scenario.js';
import { NEMESIS_FOLDER, SURVIVALS_FILE } from './survival-reporter.js';

const TIMEOUT_MS = 90_000;
const MAX_SHOWN = 4000;

/** One test for each scenario. What each survived is noted for the reporter's table. */
export function describeScenarios(scenarios: readonly Scenario[]): void {
  describe('replicas over Redis', () => {
    beforeAll(() => {
      mkdirSync(NEMESIS_FOLDER, { recursive: true });
    });

    for (const scenario of scenarios) {
      it(
        scenario.name,
        async () => {
          const survival = await runScenario(scenario);
          appendFileSync(SURVIVALS_FILE, `${JSON.stringify({ ...survival, logs: '' })}\n`);
          if (survival.violations.length > 0) throw new Error(report(survival));
        },
        TIMEOUT_MS,
      );
    }
  });
}

/** All of it goes to a file: Jest takes minutes over an error message that long. */
function report({ scenario, violations, steps, logs }: Survival): string {
  const file = join(NEMESIS_FOLDER, `${scenario.replaceAll(/\W+/g, '-')}.log`);
  const story = [...violations, ...steps.map((step) => `did: ${step}`)].join('\n');
  writeFileSync(file, `${story}\n${logs}`);
  return `${story.slice(0, MAX_SHOWN)}\nlogs: ${file}`;
}
