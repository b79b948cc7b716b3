import { describeScenarios } from './describe-scenarios.js';
import { CLAIMS } from './scenarios/claims.js';
import { HOLDER } from './scenarios/holder.js';
import { PLATFORM } from './scenarios/platform.js';
import { randomScenario } from './scenarios/random.js';
import { REDIS } from './scenarios/redis.js';
import { STORMS } from './scenarios/storms.js';

const RANDOM_RUNS = 4;

/** `NEMESIS_SEED=7,8` replays these; left out, there are new ones in every run, and their names tell them. */
function seeds(): number[] {
  const given = process.env.NEMESIS_SEED;
  if (given !== undefined) return given.split(',').map(Number);
  return Array.from({ length: RANDOM_RUNS }, () => Math.floor(Math.random() * 1e6));
}

describeScenarios('replicas over Redis', [
  ...STORMS,
  ...HOLDER,
  ...PLATFORM,
  ...REDIS,
  ...CLAIMS,
  ...seeds().map(randomScenario),
]);
