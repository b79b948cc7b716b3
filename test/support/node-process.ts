import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const running = new Set<NodeProcess>();

// Also when a test failed, and before jest would wait for the pipes of a process that nobody ends.
afterAll(async () => {
  await Promise.all([...running].map((process) => process.kill()));
});

/** A script of the built product (`npm run build`) in a process of its own; what a test leaves running is killed after its file. */
export class NodeProcess {
  stdout = '';
  stderr = '';
  /** The exit code, once the process is gone and its output is read; null when a signal ended it. Never rejects. */
  readonly ended: Promise<number | null>;
  endedBy: NodeJS.Signals | null = null;
  private readonly child: ChildProcess;

  /**
   * Its environment is `env` and nothing else.
   *
   * @param checkout whose build is run; default: this one
   */
  constructor(
    script: 'main.js' | 'cli.js',
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    checkout = fileURLToPath(new URL('../..', import.meta.url)),
  ) {
    const path = join(checkout, 'dist', script);
    const child = spawn(process.execPath, [path, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.stderr += String(error);
        resolve(null);
      });
      child.once('close', (code, signal) => {
        this.endedBy = signal;
        resolve(code);
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

  get output(): string {
    return this.stdout + this.stderr;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }
}
