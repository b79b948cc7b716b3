import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import { request } from '../support/http-client.js';
import { OwnProcess } from '../support/own-process.js';
import { tempFile } from '../support/temp-file.js';

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface FiringAlert {
  readonly name: string;
  readonly labels: Labels;
  readonly summary: string;
  readonly description: string;
}

export interface PrometheusOptions {
  /** Text of a rule file. */
  readonly rules: string;
  readonly everyMs: number;
  /** URLs of what is scraped, all of one job. */
  readonly targets: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

interface QueryAnswer {
  readonly data?: {
    readonly result: readonly { readonly metric: Labels; readonly value: readonly [number, string] }[];
  };
  readonly error?: string;
}

interface AlertsAnswer {
  readonly data: {
    readonly alerts: readonly {
      readonly state: string;
      readonly labels: Labels;
      readonly annotations: Labels;
    }[];
  };
}

const folders = new Set<string>();

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A real Prometheus with data of its own. Its process ends with the test file. */
export class PrometheusServer {
  private constructor(
    private readonly process: OwnProcess,
    private readonly url: string,
  ) {}

  /** Resolves when it answers. Throws with its output when it ends instead. */
  static async start({ rules, everyMs, targets }: PrometheusOptions): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
    folders.add(folder);
    const every = `${String(everyMs)}ms`;
    const config = {
      global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
      rule_files: [tempFile(rules)],
      scrape_configs: [
        {
          job_name: 'access-token-broker',
          static_configs: [{ targets: targets.map((url) => new URL(url).host) }],
        },
      ],
    };
    const address = `127.0.0.1:${String(await freePort())}`;
    const process = new OwnProcess(
      'prometheus',
      [
        `--config.file=${tempFile(JSON.stringify(config))}`,
        `--storage.tsdb.path=${folder}`,
        `--web.listen-address=${address}`,
        '--log.level=warn',
      ],
      { cwd: folder },
    );
    const server = new PrometheusServer(process, `http://${address}`);
    await eventually('a Prometheus that answers', () => server.answers());
    return server;
  }

  async query(expression: string): Promise<Sample[]> {
    const { text } = await request(`${this.url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data, error } = JSON.parse(text) as QueryAnswer;
    if (!data) throw new Error(`Prometheus: ${String(error)}`);
    return data.result.map(({ metric, value: [, value] }) => ({ labels: metric, value: Number(value) }));
  }

  async firing(): Promise<FiringAlert[]> {
    const { text } = await request(`${this.url}/api/v1/alerts`);
    const { data } = JSON.parse(text) as AlertsAnswer;
    return data.alerts
      .filter(({ state }) => state === 'firing')
      .map(({ labels, annotations: { summary = '', description = '' } }) => ({
        name: labels.alertname ?? '',
        labels,
        summary,
        description,
      }));
  }

  private async answers(): Promise<boolean> {
    const { process, url } = this;
    if (process.notFound) {
      throw new Error('prometheus is not in PATH: `ci/prometheus.sh install` prints a folder that has it');
    }
    if (!process.isRunning) throw new Error(`Prometheus ended:\n${process.output}`);
    return (await request(`${url}/-/ready`).catch(() => null))?.status === 200;
  }
}
