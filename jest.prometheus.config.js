import base from './jest.config.js';

/** @type {import('jest').Config} */
export default {
  ...base,
  testMatch: ['**/test/prometheus/*.prometheus.ts'],
  maxWorkers: 1,
};
