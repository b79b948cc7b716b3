import { describeScenarios } from './describe-scenarios.js';
import { ATTACKER } from './scenarios/attacker.js';

describeScenarios(ATTACKER);
