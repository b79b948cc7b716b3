import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Packs a package of this repository as it was built, and unpacks it into `folder`/node_modules without its dependencies.
 *
 * @param source its folder, relative to the repository
 * @returns the name of the tarball, and where the package is installed
 */
export async function installPacked(
  source: string,
  folder: string,
): Promise<{ tarball: string; path: string }> {
  const { name } = JSON.parse(readFileSync(join(ROOT, source, 'package.json'), 'utf8')) as { name: string };
  const options = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const { stdout } = await run('npm', options, { cwd: join(ROOT, source) });
  const tarball = stdout.trim();
  const path = join(folder, 'node_modules', name);
  mkdirSync(path, { recursive: true });
  await run('tar', ['xzf', tarball, '-C', path, '--strip-components=1'], { cwd: folder });
  return { tarball, path };
}
