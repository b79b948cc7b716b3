import { describeScenarios } from './describe-scenarios.js';
import { STORMS } from './scenarios/storms.js';

describeScenarios(STORMS);
