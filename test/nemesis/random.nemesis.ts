import { describeScenarios } from './describe-scenarios.js';
import { randomScenario } from './scenarios/random.js';

const RANDOM_RUNS = 6;

/** `NEMESIS_SEED=7,8` replays these; left out, there are new ones in every run, and their names tell them. */
function seeds(): number[] {
  const given = process.env.NEMESIS_SEED;
  if (given !== undefined) return given.split(',').map(Number);
  return Array.from({ length: RANDOM_RUNS }, () => Math.floor(Math.random() * 1e6));
}

describeScenarios(seeds().map(randomScenario));
