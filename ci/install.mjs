// What `npm ci` tells and runs, on every Node that package.json names: no warning, and no install script of a production package.
// Needs npm, and no network.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const readJson = (name) => JSON.parse(readFileSync(name, 'utf8'));
const { engines } = readJson('package.json');
const { packages } = readJson('package-lock.json');

const scripted = Object.entries(packages).filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev);
assert.deepEqual(
  scripted.map(([path]) => path),
  [],
  'production packages with install scripts: override them in package.json',
);

/** npm compares this with the `engines` of each package. @param {string} version */
const pretend = (version) =>
  `--import=data:text/javascript,Object.defineProperty(process,'version',{value:'v${version}'})`;

const oldest = engines.node.match(/\d+\.\d+\.\d+/g);
for (const version of oldest) {
  const { status, stdout, stderr } = spawnSync('npm', ['ci', '--dry-run', '--offline'], {
    encoding: 'utf8',
    env: {
      PATH: `node_modules/.bin:${process.env.PATH}`,
      NODE_OPTIONS: pretend(version),
      npm_config_userconfig: '/dev/null',
    },
  });
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stdout + stderr, /npm warn/i, `npm ci on Node ${version} warns:\n${stderr}`);
}
console.log(`npm ci on Node ${oldest.join(', ')}: no warning; install scripts of production packages: none`);
