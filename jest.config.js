/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Most of the time is spent waiting for other processes.
  maxWorkers: '100%',
  // Never waited for, unless something hangs or the machine does much else.
  testTimeout: 30_000,
  roots: ['<rootDir>/src', '<rootDir>/packages', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts', '**/*.e2e-spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^@access-token-broker/(client|simulator)$': '<rootDir>/packages/$1/src/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      },
    ],
  },
  coverageProvider: 'babel',
  collectCoverageFrom: [
    'src/core/**/*.ts',
    'src/api/**/*.ts',
    'src/compat/**/*.ts',
    'src/config/**/*.ts',
    'src/observability/**/*.ts',
    'src/storage/memory/**/*.ts',
    '!src/**/*.{contract,spec}.ts',
    // Nothing but types: there is nothing to run.
    '!src/core/{ports/{audit-entry,broker-ports},reports/token-report,status/app-status}.ts',
  ],
  coverageThreshold: {
    './src/core/': { lines: 95, branches: 95 },
    './src/config/': { lines: 95, branches: 95 },
    './src/api/': { lines: 95 },
    './src/compat/': { lines: 95 },
    './src/observability/': { lines: 95 },
    './src/storage/memory/': { lines: 95 },
  },
};
