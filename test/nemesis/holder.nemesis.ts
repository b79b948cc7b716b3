import { describeScenarios } from './describe-scenarios.js';
import { HOLDER } from './scenarios/holder.js';

describeScenarios(HOLDER);
