import base from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['**/test/sdk/*.sdk.ts'],
  maxWorkers: 2,
  // All SDKs at once: they mostly wait.
  maxConcurrency: 20,
  // Programs in other languages start slowly on a busy machine.
  testTimeout: 90_000,
};
