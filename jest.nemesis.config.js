import base from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['**/test/nemesis/*.nemesis.ts'],
  reporters: ['default', './test/nemesis/survival-reporter.ts'],
  // Clusters mostly wait. More of them at once would disturb each other's times.
  maxWorkers: 2,
};
