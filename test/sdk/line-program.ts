import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

export type Answer = Readonly<Record<string, unknown>>;
/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

const running = new Set<LineProgram>();

// Also when a test failed.
afterAll(async () => {
  await Promise.all([...running].map((program) => program.stop()));
});

/** A program that answers each line on its standard input with a line of JSON, and begins with one that says what it is. */
export class LineProgram {
  /** Rejects when the program ends, or says something else, instead of introducing itself. */
  readonly greeting: Promise<Answer>;
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private readonly lines: AsyncIterator<string>;
  private errors = '';

  /** `env` is added to this process's environment. */
  constructor(command: Command, env: Readonly<Record<string, string>>) {
    const [program, ...args] = command;
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    child.stdin.on('error', () => undefined);
    this.child = child;
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.errors += String(error);
        resolve();
      });
      child.once('close', () => {
        resolve();
      });
    });
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    running.add(this);
    this.greeting = this.next();
  }

  /** One line at a time. Rejects, with what the program printed as errors, when it is gone. */
  async ask(line: string): Promise<Answer> {
    this.child.stdin?.write(`${line}\n`);
    return this.next();
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
    running.delete(this);
  }

  private async next(): Promise<Answer> {
    const { done, value } = await this.lines.next();
    if (!done) return JSON.parse(value) as Answer;
    await this.ended;
    throw new Error(`${this.child.spawnargs.join(' ')} is gone:\n${this.errors}`);
  }
}
