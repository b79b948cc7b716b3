import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const projectRoot = join(import.meta.dirname, '..', '..');

/** File texts by path. */
export type Tree = Readonly<Record<string, string>>;

/** Writes the tree into a new temporary folder, lends that folder to `use`, and removes it. */
export async function withTree<T>(tree: Tree, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'house-rules-')));
  try {
    for (const [path, text] of Object.entries(tree)) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a tool of this project in `folder` and gives what it printed, whatever its exit code; throws if that is nothing. */
export function runTool(script: string, args: readonly string[], folder: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, maxBuffer: 64 * 1024 * 1024 };
    const command = [join(projectRoot, 'node_modules', script), ...args];
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`${script} printed no report: ${stderr}`, { cause: error }));
      else resolve(stdout);
    });
  });
}

/** The distinct rule names by file, sorted. */
export function rulesByFile(
  findings: Iterable<readonly [file: string, rule: string]>,
): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [file, rule] of findings) {
    found.set(file, [...new Set([...(found.get(file) ?? []), rule])].sort());
  }
  return found;
}
