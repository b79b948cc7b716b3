import { symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { projectRoot, rulesByFile, runTool, withTree, type Tree } from './fixture.js';

/** Each room that has its own exceptions, with what it may do that others may not. */
const allowed: Tree = {
  'src/core/system-clock.ts': `
    import { performance } from 'node:perf_hooks';
    export const readings = () => [performance.now(), Date.now(), Math.random()];
    export const after = (delayMs: number, callback: () => void) => setTimeout(callback, delayMs);`,
  'src/core/quiet.ts': `
    export const at = (ms: number) => new Date(ms).toISOString();
    export const stop = (timer: NodeJS.Timeout) => { clearTimeout(timer); };`,
  'src/config/api-key.ts': `
    import { randomBytes } from 'node:crypto';
    export const key = () => randomBytes(32).toString('base64url') + (process.env.SUFFIX ?? '');`,
  'src/backends/memory/lease.ts': `
    import { randomUUID } from 'node:crypto';
    export const leaseId = () => randomUUID();`,
  'src/simulator/clock.ts': `
    export const now = () => Date.now() + Math.random();
    export const later = (callback: () => void) => setTimeout(callback, 1);`,
  'src/main.ts': 'console.error(process.env);',
  'src/cli.ts': 'console.log(Date.now());',
  'src/core/fake.spec.ts': `
    export const body: { port: number } = JSON.parse('{}');
    export abstract class Port { abstract notice(): void }
    export const port: Port = { notice() {} };
    export const readings = { port: process.env.PORT, now: Date.now() };
    console.log(new Date());`,
  'test/broker.e2e-spec.ts': 'export const started = performance.now(); setTimeout(() => {}, 1);',
  'src/http/token.service.ts': `
    import { Injectable } from '@nestjs/common';
    @Injectable()
    export class Answers {}`,
  // Without the value import Nest could not tell what to inject.
  'src/http/token.controller.ts': `
    import { Controller, Module } from '@nestjs/common';
    import { Answers } from './token.service.js';
    @Controller()
    export class TokenController {
      constructor(readonly answers: Answers) {}
    }
    @Module({})
    export class HttpModule {}`,
};

const forbidden: readonly (readonly [rule: string, room: string, text: string])[] = [
  ['no-restricted-properties', 'src/http', 'export const port = process.env;'],
  ['no-restricted-properties', 'src/simulator', 'export const { env } = process;'],
  ['no-restricted-properties', 'src/http', 'export const port = globalThis.process.env.PORT;'],
  ['no-restricted-imports', 'src/backends/memory', "export { env } from 'node:process';"],
  ['no-restricted-imports', 'src/wechat', "import { env } from 'process'; export const home = env.HOME;"],

  ['no-restricted-properties', 'src/core', 'export const now = Date.now();'],
  ['no-restricted-properties', 'src/config', 'export const now = Date.now();'],
  ['no-restricted-properties', 'src/wechat', 'export const signal = AbortSignal.timeout(1);'],
  ['no-restricted-properties', 'src/ops', 'export const upSeconds = process.uptime();'],
  ['no-restricted-properties', 'src/ops', 'export const now = process.hrtime.bigint();'],
  ['no-restricted-syntax', 'src/http', 'export const now = new Date();'],
  ['no-restricted-syntax', 'src/http', 'export const now = Date();'],
  ['no-restricted-globals', 'src/jobs', 'setTimeout(() => null, 1);'],
  ['no-restricted-globals', 'src/jobs', 'setInterval(() => null, 1);'],
  ['no-restricted-globals', 'src/backends/redis', 'setImmediate(() => null);'],
  ['no-restricted-properties', 'src/core', 'globalThis.setTimeout(() => null, 1);'],
  ['no-restricted-globals', 'src/ops', 'export const now = performance.now();'],
  ['no-restricted-imports', 'src/core', "export { setTimeout } from 'node:timers/promises';"],
  ['no-restricted-imports', 'src/core', "export { setInterval } from 'timers';"],
  ['no-restricted-imports', 'src/core', "export { performance } from 'node:perf_hooks';"],

  ['no-restricted-properties', 'src/core', 'export const chance = Math.random();'],
  ['no-restricted-properties', 'src/http', 'export const id = crypto.randomUUID();'],
  ['no-restricted-imports', 'src/core', "export { randomUUID } from 'node:crypto';"],
  [
    'no-restricted-imports',
    'src/http',
    "import * as all from 'node:crypto'; export const id = all.randomBytes(8);",
  ],

  ['no-console', 'src/simulator', "console.log('listening');"],
  ['no-restricted-exports', 'src/core', 'export default class Token { value = 1; }'],
  ['no-restricted-exports', 'test/support', 'const token = 1; export { token as default };'],

  ['@typescript-eslint/no-floating-promises', 'src/core', 'export function go() { Promise.resolve(1); }'],
  [
    '@typescript-eslint/no-misused-promises',
    'src/core',
    '[1].forEach(async () => { await Promise.resolve(); });',
  ],
  ['@typescript-eslint/no-explicit-any', 'src/core', 'export type Anything = any;'],
  [
    '@typescript-eslint/no-non-null-assertion',
    'src/core',
    'export const first = (all: number[]) => all[0]!;',
  ],
  ['@typescript-eslint/no-unsafe-assignment', 'src/core', "export const body: number = JSON.parse('1');"],
  ['@typescript-eslint/no-empty-function', 'src/core', 'export function nothing() {}'],
  ['@typescript-eslint/no-extraneous-class', 'src/core', 'export class Utilities { static one = 1; }'],
  [
    '@typescript-eslint/consistent-type-imports',
    'src/core',
    "import { Server } from 'node:net'; export type Any = Server;",
  ],
  [
    '@typescript-eslint/switch-exhaustiveness-check',
    'src/core',
    "export function name(kind: 'a' | 'b') { switch (kind) { case 'a': return 1; } return 2; }",
  ],
];

const cases = forbidden.map(([rule, room, text], index) => ({
  rule,
  path: `${room}/case-${index}.ts`,
  text,
}));

interface LintResult {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

async function lint(tree: Tree): Promise<Map<string, string[]>> {
  const tsconfig = JSON.stringify({ extends: join(projectRoot, 'tsconfig.json'), include: ['src', 'test'] });
  return withTree({ ...tree, 'tsconfig.json': tsconfig }, async (folder) => {
    await symlink(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'dir');
    const args = ['--config', join(projectRoot, 'eslint.config.js'), '--format', 'json', 'src', 'test'];
    const results: LintResult[] = JSON.parse(await runTool('eslint/bin/eslint.js', args, folder));
    expect(results).toHaveLength(Object.keys(tree).length);
    return rulesByFile(
      results.flatMap(({ filePath, messages }) =>
        messages.map(({ ruleId, message }) => [relative(folder, filePath), ruleId ?? message] as const),
      ),
    );
  });
}

describe('lint rules', () => {
  let found = new Map<string, string[]>();

  beforeAll(async () => {
    found = await lint({ ...allowed, ...Object.fromEntries(cases.map(({ path, text }) => [path, text])) });
  }, 60_000);

  it.each(Object.keys(allowed))('let %s pass', (path) => {
    expect(found.get(path)).toBeUndefined();
  });

  it.each(cases)('$rule catches in $path: $text', ({ rule, path }) => {
    expect(found.get(path)).toEqual([rule]);
  });
});
