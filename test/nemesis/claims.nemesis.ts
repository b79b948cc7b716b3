import { describeScenarios } from './describe-scenarios.js';
import { CLAIMS } from './scenarios/claims.js';

describeScenarios(CLAIMS);
