import { describeScenarios } from './describe-scenarios.js';
import { CONVERGED_WITHIN_MS } from './scale.js';
import { HOLDER } from './scenarios/holder.js';
import { REDIS } from './scenarios/redis.js';
import { STORMS } from './scenarios/storms.js';

const NAMES = [
  'cold start of 2 replicas, 100 callers of each app',
  'the token dies; 2 x 50 callers report it at once',
  'kill -9 of the holder after sending',
  'Redis is killed and comes back empty',
];

const ALL = [...STORMS, ...HOLDER, ...REDIS];

describeScenarios(
  NAMES.map((name) => {
    const scenario = ALL.find((one) => one.name === name);
    if (!scenario) throw new Error(`There is no scenario "${name}"`);
    // Other tests run beside these, and compete for the processor.
    return { ...scenario, convergedWithinMs: 2 * CONVERGED_WITHIN_MS };
  }),
);
