import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let directory: string | undefined;
let files = 0;

afterAll(() => {
  if (directory !== undefined) rmSync(directory, { recursive: true });
});

/** Writes a new file, which is gone after the test file, and returns its path. */
export function tempFile(text: string): string {
  directory ??= mkdtempSync(join(tmpdir(), 'access-token-broker-'));
  const path = join(directory, String((files += 1)));
  writeFileSync(path, text);
  return path;
}
