import { describeScenarios } from './describe-scenarios.js';
import { CHANGE_LIST } from './scenarios/change-list.js';

describeScenarios(CHANGE_LIST);
