import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectRoot, rulesByFile, runTool, withTree, type Tree } from './fixture.js';

const CONFIG = join(projectRoot, '.dependency-cruiser.cjs');
const PACKAGES = [
  'axios',
  'ioredis',
  'redlock',
  'fastify',
  'pino',
  'prom-client',
  'yaml',
  '@nestjs/common',
  'reflect-metadata',
];
const DEV_PACKAGES = ['fast-check', '@nestjs/testing'];
const UNDECLARED_PACKAGES = ['@nestjs/undeclared'];

const imports = (...names: string[]): string => names.map((name) => `import '${name}';`).join('\n');

const allowed: Tree = {
  'src/core/token.ts': 'export interface Token { value: string }',
  'src/core/broker.ts':
    "import type { Token } from './token.js'; import 'node:events'; export type Current = Token;",
  'src/core/broker.spec.ts': imports(
    './broker.js',
    './store.contract.js',
    '../../test/support/fakes.js',
    'fast-check',
  ),
  'src/core/store.contract.ts': imports('./token.js', 'node:assert'),
  'src/wechat/wechat.issuer.ts': imports('../core/token.js', './answer.js', 'axios', 'node:http'),
  'src/wechat/answer.ts': 'export {};',
  'src/backends/memory/index.ts': imports('../../core/token.js', 'node:crypto'),
  'src/backends/memory/store.spec.ts': imports('./index.js', '../../core/store.contract.js'),
  'src/backends/redis/index.ts': imports('../../core/token.js', 'ioredis', 'redlock'),
  'src/http/token.controller.ts': imports('../core/broker.js', '@nestjs/common', 'fastify'),
  'src/jobs/renewal.job.ts': imports('../core/broker.js', '@nestjs/common'),
  'src/ops/metrics.ts': imports('../core/token.js', 'pino', 'prom-client', '@nestjs/common'),
  'src/diagnose/diagnose.ts': imports(
    '../backend.js',
    '../backends/redis/index.js',
    '../config/config.js',
    '../wechat/answer.js',
  ),
  'src/config/config.ts': imports('yaml', 'node:fs', 'reflect-metadata'),
  'src/simulator/simulator.ts': imports('./rules.js', 'node:http'),
  'src/simulator/rules.ts': 'export {};',
  'src/client/client.ts': imports('./cache.js'),
  'src/client/cache.ts': 'export {};',
  'src/backend.ts': imports('./backends/memory/index.js', './backends/redis/index.js', './config/config.js'),
  'src/telemetry.ts': imports('./config/config.js', './core/broker.js', './ops/metrics.js'),
  'src/app.module.ts': imports(
    './backend.js',
    './telemetry.js',
    './config/config.js',
    './core/broker.js',
    './http/token.controller.js',
    './jobs/renewal.job.js',
    './ops/metrics.js',
    './wechat/wechat.issuer.js',
    '@nestjs/common',
  ),
  'src/main.ts': imports('reflect-metadata', './app.module.js', './config/config.js'),
  'src/cli.ts':
    "await import('./main.js'); await import('./config/config.js'); await import('./diagnose/diagnose.js'); await import('./simulator/simulator.js');",
  'test/support/fakes.ts': imports('../../src/backends/memory/index.js'),
  'test/app.e2e-spec.ts': imports(
    '../src/app.module.js',
    '../src/simulator/simulator.js',
    'axios',
    'fast-check',
  ),
};

const forbidden: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['imports-of-core', 'src/core/a.ts', imports('../http/token.controller.js')],
  [
    'imports-of-core',
    'src/core/b.ts',
    "import type { Issuer } from '../wechat/wechat.issuer.js'; export type X = Issuer;",
  ],
  ['imports-of-core', 'src/core/c.ts', imports('@nestjs/common')],
  ['imports-of-core', 'src/core/d.ts', imports('../../test/support/fakes.js')],
  ['imports-of-wechat', 'src/wechat/a.ts', imports('../config/config.js')],
  ['imports-of-wechat', 'src/wechat/b.ts', imports('@nestjs/common')],
  ['imports-of-backends-memory', 'src/backends/memory/a.ts', imports('../redis/index.js')],
  ['imports-of-backends-redis', 'src/backends/redis/a.ts', imports('../memory/index.js')],
  ['imports-of-backends-redis', 'src/backends/redis/b.ts', imports('axios')],
  ['imports-of-http', 'src/http/a.ts', imports('../backends/memory/index.js')],
  ['imports-of-http', 'src/http/b.ts', imports('axios')],
  ['imports-of-http', 'src/http/c.ts', imports('ioredis')],
  ['imports-of-http', 'src/http/d.ts', imports('prom-client')],
  ['imports-of-http', 'src/http/e.ts', imports('../app.module.js')],
  ['imports-of-jobs', 'src/jobs/a.ts', imports('../ops/metrics.js')],
  ['imports-of-jobs', 'src/jobs/b.ts', imports('redlock')],
  ['imports-of-ops', 'src/ops/a.ts', imports('../http/token.controller.js')],
  ['imports-of-config', 'src/config/a.ts', imports('../core/token.js')],
  ['imports-of-diagnose', 'src/diagnose/a.ts', imports('../http/token.controller.js')],
  ['imports-of-simulator', 'src/simulator/a.ts', imports('../core/token.js')],
  ['imports-of-simulator', 'src/simulator/b.ts', imports('fastify')],
  ['imports-of-client', 'src/client/a.ts', imports('../core/token.js')],
  ['imports-of-client', 'src/client/b.ts', imports('node:http')],
  ['imports-of-tests', 'src/http/a.spec.ts', imports('../wechat/wechat.issuer.js')],
  ['imports-of-tests', 'src/simulator/a.contract.ts', imports('../http/token.controller.js')],
  ['no-room-outside-the-plan', 'src/utils/a.ts', imports('../core/token.js')],
  ['no-room-outside-the-plan', 'src/helpers.ts', imports('./core/token.js')],
  ['no-tests-in-production', 'src/core/e.ts', imports('./store.contract.js')],
  ['no-tests-in-production', 'src/backends/memory/b.ts', imports('./store.spec.js')],
  ['no-dev-dependency-in-production', 'src/http/f.ts', imports('@nestjs/testing')],
  ['no-undeclared-package', 'src/http/g.ts', imports('@nestjs/undeclared')],
  ['no-unresolvable', 'src/core/f.ts', imports('./missing.js')],
  ['no-unresolvable', 'test/a.e2e-spec.ts', imports('not-installed')],
  ['no-cycles', 'src/core/g.ts', imports('./h.js')],
  ['no-orphans', 'src/core/i.ts', 'export const lonely = true;'],
];

/** A cycle is reported once, at the first of its files. */
const restOfTheCycle: Tree = {
  'src/core/h.ts': "import type { G } from './g.js'; export type H = G;",
};

/** There is one of each of these files, so what they must not import is tried on a tree of its own. */
const forbiddenEntryPoints: Tree = {
  'src/core/token.ts': 'export {};',
  'src/client/client.ts': 'export {};',
  'src/simulator/simulator.ts': 'export {};',
  'src/wechat/wechat.issuer.ts': 'export {};',
  'src/backend.ts': imports('./wechat/wechat.issuer.js'),
  'src/telemetry.ts': imports('./wechat/wechat.issuer.js'),
  'src/app.module.ts': imports('./simulator/simulator.js'),
  'src/main.ts': imports('./cli.js', './client/client.js'),
  'src/cli.ts': `${imports('./simulator/simulator.js')} await import('./core/token.js');`,
};

interface CruiseReport {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

function packageStubs(): Tree {
  const names = [...PACKAGES, ...DEV_PACKAGES, ...UNDECLARED_PACKAGES];
  const declare = (declared: readonly string[]) => Object.fromEntries(declared.map((name) => [name, '*']));
  return {
    ...Object.fromEntries(names.map((name) => [`node_modules/${name}/index.js`, 'export {};'])),
    'package.json': JSON.stringify({
      type: 'module',
      dependencies: declare(PACKAGES),
      devDependencies: declare(DEV_PACKAGES),
    }),
  };
}

async function cruise(tree: Tree): Promise<Map<string, string[]>> {
  return withTree({ ...packageStubs(), ...tree }, async (folder) => {
    const roots = new Set(Object.keys(tree).map((path) => path.slice(0, path.indexOf('/'))));
    const args = ['--config', CONFIG, '--output-type', 'json', ...roots];
    const printed = await runTool('dependency-cruiser/bin/dependency-cruise.mjs', args, folder);
    const { summary }: CruiseReport = JSON.parse(printed);
    expect(summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(tree).length);
    return rulesByFile(summary.violations.map(({ from, rule }) => [from, rule.name]));
  });
}

describe('import rules', () => {
  let found = new Map<string, string[]>();
  let foundAtEntryPoints = new Map<string, string[]>();

  beforeAll(async () => {
    const broken = Object.fromEntries(forbidden.map(([, path, text]) => [path, text]));
    const tree = { ...allowed, ...broken, ...restOfTheCycle };
    [found, foundAtEntryPoints] = await Promise.all([cruise(tree), cruise(forbiddenEntryPoints)]);
  }, 30_000);

  it.each(Object.keys(allowed))('let %s pass', (path) => {
    expect(found.get(path)).toBeUndefined();
  });

  it.each(forbidden)('%s catches %s: %s', (rule, path) => {
    expect(found.get(path)).toEqual([rule]);
  });

  it.each([
    ['src/backend.ts', ['imports-of-backend']],
    ['src/telemetry.ts', ['imports-of-telemetry']],
    ['src/app.module.ts', ['imports-of-app.module']],
    ['src/main.ts', ['imports-of-main']],
    ['src/cli.ts', ['cli-loads-commands-when-asked', 'imports-of-cli']],
  ])('hold for %s', (path, rules) => {
    expect(foundAtEntryPoints.get(path)).toEqual(rules);
  });

  it('are all tried here', () => {
    const config: { forbidden: { name: string }[] } = createRequire(import.meta.url)(CONFIG);
    const tried = new Set([...found.values(), ...foundAtEntryPoints.values()].flat());
    expect([...tried].sort()).toEqual(config.forbidden.map(({ name }) => name).sort());
  });
});
