const { readdirSync } = require('node:fs');

/**
 * Who may import whom, as a machine. A library is named once, in the folder that owns it; tests may use any package.
 *
 * @typedef {object} Layer
 * @property {string} layer a folder or a file of src
 * @property {string[]} imports what it may import of src besides itself, or the name of a package of this repository
 * @property {string[]} packages the npm packages it may import, as regular expressions
 * @property {false} [builtins] may not import Node's own modules
 */

const platforms = readdirSync('src/platforms', { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'http')
  .map(({ name }) => name);

/** @type {Layer[]} */
const layers = [
  { layer: 'core', imports: [], packages: [] },
  { layer: 'platforms/platform.ts', imports: ['core', 'config', 'platforms/http'], packages: [] },
  { layer: 'platforms/registry.ts', imports: ['platforms', 'config'], packages: [] },
  { layer: 'platforms/http', imports: ['core', 'config/egress.section.ts'], packages: ['axios', 'undici'] },
  ...platforms.map((id) => ({
    layer: `platforms/${id}`,
    imports: ['core', 'config', 'platforms/platform.ts', 'platforms/http'],
    packages: [],
  })),
  { layer: 'storage/memory', imports: ['core'], packages: [] },
  { layer: 'storage/redis', imports: ['core'], packages: ['ioredis', 'redlock'] },
  {
    layer: 'api',
    imports: [
      'core',
      'config/client.section.ts',
      'config/identities.section.ts',
      'config/limits.section.ts',
      'config/server.section.ts',
    ],
    packages: ['@nestjs/[^/]+', 'fastify', 'class-validator', 'class-transformer', 'rxjs', 'undici', 'jose'],
  },
  {
    layer: 'compat/drop-in.ts',
    imports: ['core', 'api', 'config/client.section.ts'],
    packages: ['@nestjs/[^/]+', 'fastify'],
  },
  {
    layer: 'compat/wechat',
    imports: ['core', 'api', 'compat/drop-in.ts', 'config/client.section.ts'],
    packages: ['@nestjs/[^/]+', 'fastify'],
  },
  {
    layer: 'compat/wecom',
    imports: ['core', 'api', 'compat/drop-in.ts'],
    packages: ['@nestjs/[^/]+', 'fastify'],
  },
  {
    layer: 'observability',
    imports: ['core'],
    packages: ['@nestjs/common', 'pino', 'prom-client', '@opentelemetry/[^/]+'],
  },
  {
    layer: 'config',
    imports: [
      'core/redaction/redactor.ts',
      'core/client-keys.ts',
      'core/ports/audit-entry.ts',
      'core/ports/login-provider.ts',
      'core/system-clock.ts',
      'platforms/platform.ts',
      'platforms/registry.ts',
    ],
    packages: ['yaml', 'class-validator', 'leven'],
  },
  {
    layer: 'app.module.ts',
    imports: [
      'core',
      'api',
      'compat',
      'live',
      'composition/backend.ts',
      'composition/broker.module.ts',
      'composition/console.module.ts',
      'composition/runtime.module.ts',
      'composition/telemetry.module.ts',
    ],
    packages: ['@nestjs/common'],
  },
  {
    layer: 'composition/configured-apps.ts',
    imports: ['core', 'config', 'platforms/http/egress.ts', 'platforms/registry.ts'],
    packages: [],
  },
  {
    layer: 'live',
    imports: [
      'core',
      'api',
      'observability',
      'config',
      'composition/configured-apps.ts',
      'composition/runtime.module.ts',
    ],
    packages: ['@nestjs/[^/]+'],
  },
  {
    layer: 'composition/console.module.ts',
    imports: [
      'core',
      'api',
      'observability',
      'composition/backend.ts',
      'composition/runtime.module.ts',
      'composition/telemetry.module.ts',
    ],
    packages: ['@nestjs/common'],
  },
  {
    layer: 'composition/broker.module.ts',
    imports: [
      'core',
      'platforms/registry.ts',
      'observability',
      'composition/backend.ts',
      'composition/configured-apps.ts',
      'composition/runtime.module.ts',
      'composition/telemetry.module.ts',
    ],
    packages: ['@nestjs/common', '@nestjs/schedule'],
  },
  {
    layer: 'composition/runtime.module.ts',
    imports: ['core', 'observability', 'config'],
    packages: ['@nestjs/common'],
  },
  {
    layer: 'composition/backend.ts',
    imports: ['core', 'storage', 'observability', 'config', 'composition/configured-apps.ts'],
    packages: [],
  },
  {
    layer: 'composition/telemetry.module.ts',
    imports: [
      'core',
      'api',
      'observability',
      'config',
      'platforms/registry.ts',
      'composition/runtime.module.ts',
    ],
    packages: ['@nestjs/common'],
  },
  {
    layer: 'main.ts',
    imports: [
      'app.module.ts',
      'core',
      'api',
      'compat',
      'first-run/first-run.ts',
      'live',
      'observability',
      'config',
      'platforms/registry.ts',
      'composition/runtime.module.ts',
    ],
    packages: ['@nestjs/[^/]+', 'fastify', 'reflect-metadata'],
  },
  {
    layer: 'diagnose',
    imports: [
      'core',
      'platforms/platform.ts',
      'platforms/registry.ts',
      'platforms/http',
      'storage/redis',
      'composition/backend.ts',
      'config',
    ],
    packages: [],
  },
  {
    layer: 'first-run',
    imports: ['core', 'api/console', 'config', 'diagnose/check-platform.ts'],
    packages: ['fastify'],
  },
  {
    layer: 'cli.ts',
    imports: ['main.ts', 'config', 'diagnose', 'observability/read-version.ts', 'packages/simulator'],
    packages: [],
  },
];

/** @type {Layer[]} */
const workspaces = [
  { layer: 'packages/client', imports: [], packages: [], builtins: false },
  {
    layer: 'packages/console',
    imports: [],
    packages: ['preact', '@preact/signals', 'uplot'],
    builtins: false,
  },
  { layer: 'packages/simulator', imports: [], packages: [] },
];

const TESTS = '\\.(spec|contract)\\.ts$';
/** Types alone, of what the server answers to the page. */
const CONSOLE_TYPES = '^packages/console/src/api-types\\.ts$';

/** @param {string} layer */
const pathOf = (layer) => {
  const path = layer.startsWith('packages/') ? `${layer}/src` : `src/${layer}`;
  return `^${path.replace('.', '\\.')}${layer.endsWith('.ts') ? '$' : '/'}`;
};

/** @param {Layer} layer */
const importRule = ({ layer, imports, packages, builtins }) => ({
  name: `imports-of-${layer.replaceAll('/', '-').replace(/\.ts$/, '')}`,
  severity: 'error',
  from: { path: pathOf(layer), pathNot: TESTS },
  to: {
    pathNot: [
      ...[layer, ...imports].map(pathOf),
      ...packages.map((name) => `^node_modules/(@types/)?${name}/`),
    ],
    dependencyTypesNot: builtins === false ? [] : ['core'],
    couldNotResolve: false,
  },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...[...layers, ...workspaces].map(importRule),
    {
      name: 'only-the-registry-names-platforms',
      comment: 'A platform is one folder, and one line in the registry. Its drop-in endpoints may know it.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/platforms/', '^src/compat/', TESTS] },
      to: { path: `^src/platforms/(${platforms.join('|')})/` },
    },
    {
      name: 'imports-of-tests',
      comment:
        'A unit test sees its own layer, the core and the test support. What needs more is an e2e test.',
      severity: 'error',
      from: { path: `^src/((storage|platforms|compat)/[^/]+|[^/]+)/.*${TESTS}` },
      to: {
        pathNot: [
          '^src/$1/',
          pathOf('core'),
          pathOf('platforms/http'),
          CONSOLE_TYPES,
          '^test/support/',
          '^node_modules/',
        ],
        dependencyTypesNot: ['core'],
        couldNotResolve: false,
      },
    },
    {
      name: 'imports-of-tests-in-packages',
      comment: 'A test of a package sees its own package and the test support.',
      severity: 'error',
      from: { path: `^packages/([^/]+)/src/.*${TESTS}` },
      to: {
        pathNot: ['^packages/$1/src/', '^test/support/', '^node_modules/'],
        dependencyTypesNot: ['core'],
        couldNotResolve: false,
      },
    },
    {
      name: 'no-layer-outside-the-plan',
      comment: 'A new file or folder right under src needs a line in the table above.',
      severity: 'error',
      from: { path: '^src/', pathNot: [...layers.map(({ layer }) => pathOf(layer)), TESTS] },
      to: {},
    },
    {
      name: 'config-is-loaded-by-commands',
      comment: 'What runs is handed its configuration: it knows the sections as types alone.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/(main\\.ts|live/|diagnose/|first-run/|config/|platforms/)', TESTS],
      },
      to: { path: pathOf('config'), dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'cli-loads-commands-when-asked',
      comment: 'One command must not pay for loading, or start, another.',
      severity: 'error',
      from: { path: pathOf('cli.ts') },
      to: { path: '^src/', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-tests-in-production',
      severity: 'error',
      from: { path: '^(src|packages)/', pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: 'no-dev-dependency-in-production',
      severity: 'error',
      from: { path: '^src/', pathNot: TESTS },
      to: { dependencyTypes: ['npm-dev'], pathNot: '^node_modules/@types/' },
    },
    {
      name: 'no-undeclared-package',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], couldNotResolve: false },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^(src|packages)/' },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^dist/', '^packages/[^/]+/dist/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    detectJSDocImports: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
