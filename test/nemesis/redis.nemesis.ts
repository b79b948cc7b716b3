import { describeScenarios } from './describe-scenarios.js';
import { REDIS } from './scenarios/redis.js';

describeScenarios(REDIS);
