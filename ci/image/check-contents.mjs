import assert from 'node:assert/strict';
import { globSync, lstatSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const SIZE_LIMIT_MB = 200;
const UNWANTED = new Set(
  'sh bash dash ash zsh ksh busybox env npm npx corepack yarn apt apt-get dpkg curl wget su mount'.split(' '),
);
/** Where anybody may write by Debian's design, and the service's home: all empty. */
const WRITABLE = new Set(['tmp', 'var/tmp', 'var/lock', 'run/lock', 'home/nonroot']);

/** What is in the image, without running it. @param {(what: string, value: string) => void} note */
export async function checkContents({ root, config, library, note }) {
  assert.equal(config.User, '65532:65532');
  assert.equal(config.StopSignal, 'SIGTERM');
  for (const label of ['title', 'version', 'revision', 'licenses']) {
    assert.ok(config.Labels[`org.opencontainers.image.${label}`], `label ${label}`);
  }
  const files = globSync('**', { cwd: root }).map((path) => ({ path, stat: lstatSync(join(root, path)) }));
  checkPrograms(files);
  note('shell, npm, package manager, curl', 'none');
  assert.deepEqual(
    files
      .filter(({ path }) => /^app\/(packages|node_modules\/@access-token-broker)/.test(path))
      .map(({ path }) => path),
    [],
    'packages of this repository besides the server',
  );
  note('simulator, client', 'none');
  checkRights(files);
  note('setuid files, files the service may write', 'none');
  note(`size, unpacked (limit ${SIZE_LIMIT_MB} MB)`, `${checkSize(files).toFixed(0)} MB`);
  note('SBOM: CycloneDX 1.5, is node_modules exactly', `${await checkSbom(root, library)} packages`);
}

function checkPrograms(files) {
  const found = files.filter(({ path, stat }) => UNWANTED.has(basename(path)) && !stat.isDirectory());
  assert.deepEqual(
    found.filter(({ stat }) => stat.mode & 0o111).map(({ path }) => path),
    [],
    'programs that have no place here',
  );
}

function checkRights(files) {
  const isLoose = ({ stat }) =>
    (stat.isFile() && stat.mode & 0o6000) ||
    (!stat.isSymbolicLink() && (stat.mode & 0o002 || stat.uid === 65532));
  const loose = files.filter((file) => !WRITABLE.has(file.path) && isLoose(file));
  assert.deepEqual(
    loose.map(({ path }) => path),
    [],
    'setuid, or writable for the service',
  );
}

function checkSize(files) {
  const sizeMb = files.reduce((sum, { stat }) => sum + (stat.isFile() ? stat.size : 0), 0) / 1e6;
  assert.ok(sizeMb < SIZE_LIMIT_MB, `${sizeMb} MB`);
  return sizeMb;
}

async function checkSbom(root, library) {
  const text = readFileSync(join(root, 'app/sbom.cdx.json'), 'utf8');
  const { Spec, Validation } = createRequire(join(library, 'package.json'))('@cyclonedx/cyclonedx-library');
  assert.equal(await new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(text), null);
  assert.ok(!text.includes('"distribution"'), 'the SBOM names the place that packages were downloaded from');
  const { metadata, components } = JSON.parse(text);
  assert.equal(metadata.component.type, 'application');
  assert.equal(metadata.component.name, 'access-token-broker');
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const held = new Set([...installed(root), ...bundled(root)]);
  assert.deepEqual([...held].sort(), [...listed].sort(), 'what the image holds and the SBOM');
  checkDependencies(root, new Set(components.map(({ name }) => name)));
  checkScripts(root);
  return listed.size;
}

/** The manifests of all that is in node_modules. */
function manifests(root) {
  const cwd = join(root, 'app/node_modules');
  return globSync('**/package.json', { cwd })
    .filter((file) => /^(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+\/package\.json$/.test(file))
    .map((file) => JSON.parse(readFileSync(join(cwd, file), 'utf8')));
}

/** `name@version` of all that is in node_modules. */
function installed(root) {
  return new Set(manifests(root).map(({ name, version }) => `${name}@${version.replace(/^v/, '')}`));
}

/** `name@version` of all that is built into the files of the console, as the list of their licences has it. */
function bundled(root) {
  const licences = readFileSync(join(root, 'app/dist/console/licenses.md'), 'utf8');
  const found = [...licences.matchAll(/^## (\S+) - (\S+) \(/gm)].map(
    ([, name, version]) => `${name}@${version}`,
  );
  assert.ok(found.length > 0, 'the licences of the console name no package');
  return found;
}

function checkScripts(root) {
  const scripted = manifests(root).filter(
    ({ scripts = {} }) => scripts.preinstall ?? scripts.install ?? scripts.postinstall,
  );
  assert.deepEqual(
    scripted.map(({ name }) => name),
    [],
    'packages with install scripts',
  );
}

function checkDependencies(root, names) {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'app/package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) assert.ok(names.has(name), `${name} is missing`);
  for (const name of Object.keys(devDependencies)) assert.ok(!names.has(name), `${name} is for development`);
}
