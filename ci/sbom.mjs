// Prints the SBOM (CycloneDX 1.5, JSON) of what the image holds: the lock file's packages without development and optional ones, and those that
// are built into the files of the console.
// `npm sbom --omit dev` by itself also leaves out what development packages share, axios and rxjs among it (npm/cli#7909), and takes the folder's name for the product's.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { URL } from 'node:url';

const root = new URL('../', import.meta.url);
const readJson = (name) => JSON.parse(readFileSync(new URL(name, root), 'utf8'));

const manifest = readJson('package.json');
delete manifest.devDependencies;
delete manifest.workspaces;
const lock = readJson('package-lock.json');
const { dependencies: ofConsole } = readJson('packages/console/package.json');
for (const one of [manifest, lock.packages['']]) one.dependencies = { ...one.dependencies, ...ofConsole };
delete lock.packages[''].devDependencies;
delete lock.packages[''].workspaces;
for (const [path, { dev, optional, devOptional, link }] of Object.entries(lock.packages)) {
  if (dev || optional || devOptional || link || path.startsWith('packages/')) delete lock.packages[path];
}

/** A package that an override put in the place of another: npm gives it the other's name, and its own in the purl. */
function withOwnName(component) {
  const [, name] = /^pkg:npm\/(.+)@/.exec(component.purl);
  return { ...component, name: decodeURIComponent(name) };
}

const scratch = mkdtempSync(join(tmpdir(), 'sbom-'));
try {
  const folder = join(scratch, manifest.name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  const options = ['--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const bom = execFileSync('npm', ['sbom', ...options], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { components, ...rest } = JSON.parse(bom);
  console.log(JSON.stringify({ ...rest, components: components.map(withOwnName) }, null, 2));
} finally {
  rmSync(scratch, { recursive: true });
}
