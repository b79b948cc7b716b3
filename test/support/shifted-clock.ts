import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('shift-clock.c', import.meta.url));

let folder: string | undefined;

afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

/** A wall clock for one server process, which can be moved while it runs. Linux only; needs gcc. */
export class ShiftedClock {
  private readonly file: string;
  private readonly library: string;
  private seconds = 0;

  constructor() {
    folder ??= mkdtempSync(join(tmpdir(), 'clock-'));
    this.file = join(folder, 'shift');
    this.library = join(folder, 'shift-clock.so');
    execFileSync('gcc', ['-O2', '-shared', '-fPIC', '-o', this.library, SOURCE]);
    writeFileSync(this.file, Buffer.alloc(8));
  }

  /** The server's environment. */
  get env(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.library, SHIFT_CLOCK: this.file };
  }

  /** From the true time. */
  shift(seconds: number): void {
    this.seconds = seconds;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    // In place: the server has mapped the file.
    writeFileSync(this.file, bytes, { flag: 'r+' });
  }

  /** Goes on by this much, or a little more: it moves by whole seconds. */
  async advance(ms: number): Promise<void> {
    this.shift(this.seconds + Math.ceil(ms / 1000));
  }
}
