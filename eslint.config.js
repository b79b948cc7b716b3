import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const TESTS = ['{src,packages}/**/*.spec.ts', 'src/**/*.contract.ts', 'test/**/*.ts'];

const CLOCK = 'Time and chance come from the Clock port (src/core/ports/clock.ts).';
const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'performance'];
const RANDOM = ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID', 'webcrypto'];

/** What is around every line of code, and may be reached for in few places only. */
const ambient = {
  environment: {
    message:
      'The environment is read by src/config and src/main.ts only; for the rest use the global process.',
    globals: [],
    properties: ['process.env', 'globalThis.process'],
    modules: [{ name: 'process' }],
    syntax: [],
  },
  time: {
    message: CLOCK,
    globals: TIMERS,
    properties: [
      ...['Date.now', 'AbortSignal.timeout', 'process.hrtime', 'process.uptime'],
      ...TIMERS.map((name) => `globalThis.${name}`),
    ],
    modules: [{ name: 'timers' }, { name: 'timers/promises' }, { name: 'perf_hooks' }],
    syntax: ['NewExpression[callee.name="Date"][arguments.length=0]', 'CallExpression[callee.name="Date"]'],
  },
  chance: {
    message: CLOCK,
    globals: [],
    properties: ['Math.random', 'crypto.getRandomValues', ...RANDOM.map((name) => `crypto.${name}`)],
    modules: [{ name: 'crypto', importNames: RANDOM }],
    syntax: [],
  },
};

/**
 * The rules that keep the named things out and let the others in. All four are set each time: a later block of a flat
 * config replaces an earlier one's options only where it gives some.
 *
 * @param {(keyof typeof ambient)[]} names
 * @returns {import('eslint').Linter.RulesRecord}
 */
function forbid(...names) {
  const rule = (restrictionsOf) => {
    const restrictions = names.flatMap((name) =>
      restrictionsOf(ambient[name]).map((restriction) => ({
        ...restriction,
        message: ambient[name].message,
      })),
    );
    return restrictions.length > 0 ? ['error', ...restrictions] : 'off';
  };
  return {
    'no-restricted-globals': rule(({ globals }) => globals.map((name) => ({ name }))),
    'no-restricted-properties': rule(({ properties }) =>
      properties.map((path) => path.split('.')).map(([object, property]) => ({ object, property })),
    ),
    'no-restricted-imports': rule(({ modules }) =>
      modules.flatMap((module) => [module, { ...module, name: `node:${module.name}` }]),
    ),
    'no-restricted-syntax': rule(({ syntax }) => syntax.map((selector) => ({ selector }))),
  };
}

const anyDefault = { direct: true, named: true, defaultFrom: true, namedFrom: true, namespaceFrom: true };

export default defineConfig(
  { ignores: ['**/dist/', 'coverage/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },
  js.configs.recommended,
  { rules: { eqeqeq: ['error', 'always', { null: 'ignore' }] } },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      'no-restricted-exports': ['error', { restrictDefaultExports: anyDefault }],
      // Knows decorators: what Nest injects by its class stays a value import.
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Nest declares options as classes, and a fake may be a bare object.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // Ports are asynchronous whether or not an implementation has to wait.
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['src/**/*.ts'], rules: { 'no-console': 'error', ...forbid('environment', 'time', 'chance') } },
  // API keys, states, sessions and lease ids have to be unguessable, which a simulated Clock is not.
  { files: ['src/config/**/*.ts'], rules: forbid('time') },
  {
    files: [
      'src/core/login/handles.ts',
      'src/api/console/session-cookie.ts',
      'src/first-run/one-time-link.ts',
    ],
    rules: forbid('environment', 'time'),
  },
  { files: ['src/storage/**/*.ts'], rules: forbid('environment', 'time') },
  // They cannot import the core, so they bring their own clock.
  { files: ['packages/*/src/**/*.{ts,tsx}'], rules: { 'no-console': 'error', ...forbid('environment') } },
  { files: ['src/core/system-clock.ts'], rules: forbid('environment') },
  {
    files: ['src/cli.ts', 'packages/simulator/src/cli.ts'],
    rules: { 'no-console': 'off', ...forbid('environment') },
  },
  { files: ['src/main.ts'], rules: { 'no-console': 'off', ...forbid() } },
  {
    files: TESTS,
    rules: {
      'no-console': 'off',
      ...forbid(),
      // A parsed answer of a server is what the assertion is about.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      // A fake may have methods that do nothing.
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: { console: 'readonly', fetch: 'readonly', module: 'writable', process: 'readonly' },
    },
  },
);
