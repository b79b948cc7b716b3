import base from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['**/test/upgrade/*.upgrade.ts'],
  maxWorkers: 1,
  // Each test starts several brokers.
  testTimeout: 90_000,
};
