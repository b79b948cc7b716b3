import { describeScenarios } from './describe-scenarios.js';
import { PLATFORM } from './scenarios/platform.js';

describeScenarios(PLATFORM);
