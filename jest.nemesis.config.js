import base from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['**/test/nemesis/*.nemesis.ts'],
  // Two clusters at once would disturb each other's times.
  maxWorkers: 1,
};
