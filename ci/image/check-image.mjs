// Looks into a built image, runs it, and prints one table. Exits 1 when something is not as docs/image.md says. Run as root, by ci/image.sh:
//   node ci/image/check-image.mjs <folder with its root> <what buildah inspect says> <folder where the CycloneDX library is installed>
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkContents } from './check-contents.mjs';
import { checkLife } from './check-life.mjs';
import { ImageRunner } from './image-runner.mjs';

const [root, configFile, library] = process.argv.slice(2);
const { config } = JSON.parse(readFileSync(configFile, 'utf8')).Docker;
const folder = mkdtempSync(join(tmpdir(), 'image-'));
chmodSync(folder, 0o755);
const table = [];
const note = (what, value) => table.push([what, value]);

try {
  await checkContents({ root, config, library, note });
  await checkLife({ image: new ImageRunner(root, config, folder), folder, note });
} catch (error) {
  console.error(`the image: ${error.stack}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
  const width = Math.max(...table.map(([what]) => what.length));
  for (const [what, value] of table) console.log(`${what.padEnd(width)}  ${value}`);
}
process.exit();
