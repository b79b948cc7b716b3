import { spawn, type ChildProcess } from 'node:child_process';

const running = new Set<OwnProcess>();

// Also when a test failed, and when jest ends early.
afterAll(async () => {
  await Promise.all([...running].map((process) => process.kill()));
});
process.once('exit', () => {
  for (const process of running) process.signal('SIGKILL');
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
    void this.ended.then(() => running.delete(this));
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
