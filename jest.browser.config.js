import base from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['**/test/browser/*.browser.ts'],
  maxWorkers: 1,
};
