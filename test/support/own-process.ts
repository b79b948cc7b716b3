import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

const running = new Set<OwnProcess>();

// Also when a test failed.
afterAll(async () => {
  await Promise.all([...running].map((process) => process.kill()));
});
/** A program from PATH in a process of its own; what a test leaves running is killed after its file. */
export class OwnProcess {
  output = '';
  /** Set when the program is not there. */
  notFound = false;
  /** Resolves when it is gone. Never rejects. */
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;

  constructor(
    program: string,
    args: readonly string[],
    { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
  ) {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        this.notFound = error.code === 'ENOENT';
        resolve();
      });
      child.once('close', () => {
        resolve();
      });
    });
    running.add(this);
    const guard = child.pid === undefined ? null : guardOf(child.pid);
    void this.ended.then(() => {
      running.delete(this);
      guard?.kill();
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get isRunning(): boolean {
    return running.has(this);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }
}

/** Kills the process when this one is gone, however it ended: then the pipe closes that the guard reads. */
function guardOf(pid: number): ChildProcess {
  const script = 'read -r _; kill -KILL "$0"';
  // Detached: an interrupt of the terminal must not end it before it has done its work.
  const options: SpawnOptions = { stdio: ['pipe', 'ignore', 'ignore'], detached: true };
  const guard = spawn('sh', ['-c', script, String(pid)], options);
  guard.unref();
  return guard;
}
