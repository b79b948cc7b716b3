import { eventually } from './eventually.js';
import { request, type HttpAnswer } from './http-client.js';
import { NodeProcess } from './node-process.js';
import { objectFrom } from './object-from.js';
import { tempFile } from './temp-file.js';

export interface BrokerOptions {
  /** Written to a file for `BROKER_CONFIG`. Left out: the environment alone configures it. */
  readonly config?: object;
  readonly env?: Readonly<Record<string, string>>;
  /** As `access-token-broker serve`; left out: as `npm start` does. */
  readonly throughCli?: boolean;
  /** Sent with requests that name no other key. */
  readonly key?: string | undefined;
  /** A built checkout of another version. */
  readonly checkout?: string | undefined;
}

/** Of its output, in an error: Jest takes minutes over a long one. */
const MAX_SHOWN = 4000;
/** On a machine that does much else. */
const STARTS_WITHIN_MS = 30_000;

/** One line of its log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Starts a broker; resolves once it listens. Throws when it ends instead, with its output, or takes too long. */
export async function startBroker({
  config,
  env,
  throughCli,
  key,
  checkout,
}: BrokerOptions): Promise<BrokerProcess> {
  const file = config && { BROKER_CONFIG: tempFile(JSON.stringify(config)) };
  const all = { PORT: '0', HOST: '127.0.0.1', ...file, ...env };
  const process = throughCli
    ? new NodeProcess('cli.js', ['serve'], all, checkout)
    : new NodeProcess('main.js', [], all, checkout);
  try {
    const { url } = await eventually('listening', () => listeningLine(process), STARTS_WITHIN_MS);
    return new BrokerProcess(process, String(url), key);
  } catch (error) {
    await process.kill();
    throw error;
  }
}

function listeningLine(process: NodeProcess): LogLine | undefined {
  if (!process.isRunning) {
    throw new Error(
      `The broker ended (${process.endedBy ?? 'by itself'}) instead of listening:\n${process.output.slice(-MAX_SHOWN)}`,
    );
  }
  return linesOf(process).find(({ event }) => event === 'server.listening');
}

/** A broker that runs as in production, but for its scaled times. */
export class BrokerProcess {
  constructor(
    readonly process: NodeProcess,
    readonly url: string,
    private readonly key: string | undefined,
  ) {}

  /** All that it wrote so far, on both streams. */
  output(): string {
    return this.process.output;
  }

  logs(): LogLine[] {
    return linesOf(this.process);
  }

  get(path: string, key = this.key): Promise<HttpAnswer> {
    return request(this.url + path, { key });
  }

  post(path: string, body?: unknown, key = this.key): Promise<HttpAnswer> {
    return request(this.url + path, { method: 'POST', body, key });
  }

  /** The metrics as they are after this call: all who scrape within a second get the same rendering. */
  async metrics(): Promise<string> {
    const { text: before } = await this.get('/metrics');
    return eventually('a new rendering of the metrics', async () => {
      const { text } = await this.get('/metrics');
      return text === before ? undefined : text;
    });
  }

  /** The value of the app's token. Throws unless there is one. */
  async token(app?: string): Promise<string> {
    const { text, body } = await this.get(app === undefined ? '/token' : `/token?app=${app}`);
    if (typeof body.access_token !== 'string') throw new Error(`No token: ${text}`);
    return body.access_token;
  }

  /** Resolves when readiness says so. */
  async ready(): Promise<void> {
    await eventually('ready', async () => (await this.get('/health/ready')).status === 200);
  }

  /** Asks it to end, and returns its exit code. */
  async stop(): Promise<number | null> {
    this.process.signal('SIGTERM');
    return this.process.ended;
  }

  async kill(): Promise<void> {
    await this.process.kill();
  }
}

function linesOf({ stdout }: NodeProcess): LogLine[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => (line.startsWith('{') ? [objectFrom(line)] : []));
}
