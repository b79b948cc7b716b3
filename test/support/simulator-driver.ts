import { type SimulatorOptions, DEFAULT_APP, WechatSimulator } from '@access-token-broker/simulator';

/** A moment in the morning of Beijing: 11:00 UTC+8. */
const MORNING_MS = Date.parse('2026-11-21T03:00:00Z');

export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A simulator on a free port with a clock that stands still, and the calls of its users in short. */
export class SimulatorDriver {
  readonly simulator: WechatSimulator;
  nowMs = MORNING_MS;

  private constructor(options: SimulatorOptions) {
    this.simulator = new WechatSimulator({ now: () => this.nowMs, ...options });
  }

  static async start(options: SimulatorOptions = {}): Promise<SimulatorDriver> {
    const driver = new SimulatorDriver(options);
    await driver.simulator.start();
    return driver;
  }

  passSeconds(seconds: number): void {
    this.nowMs += seconds * 1000;
  }

  call(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.request(method, path, body === undefined ? undefined : JSON.stringify(body));
  }

  async request(method: string, path: string, body?: string, signal?: AbortSignal): Promise<Answer> {
    const response = await fetch(this.simulator.url + path, {
      method,
      body: body ?? null,
      signal: signal ?? null,
    });
    const text = await response.text();
    return {
      status: response.status,
      type: response.headers.get('content-type'),
      text,
      body: objectFrom(text),
    };
  }

  classic(parameters: Record<string, string> = {}): Promise<Answer> {
    return this.call('GET', classicPath(parameters));
  }

  stable(fields: Record<string, unknown> = {}): Promise<Answer> {
    const { appId: appid, appSecret: secret } = DEFAULT_APP;
    return this.call('POST', '/cgi-bin/stable_token', {
      grant_type: 'client_credential',
      appid,
      secret,
      ...fields,
    });
  }

  /** Fetches a token that must be granted. */
  async token(
    family: 'classic' | 'stable' = 'classic',
    fields: Record<string, unknown> = {},
  ): Promise<string> {
    const { body, text } = family === 'classic' ? await this.classic() : await this.stable(fields);
    if (typeof body.access_token !== 'string') throw new Error(`No token in ${text}`);
    return body.access_token;
  }

  /** The errcode of a harmless business call with the token; undefined when it is accepted. */
  async errcodeWith(token: string): Promise<unknown> {
    const { body } = await this.call('GET', `/cgi-bin/get_api_domain_ip?access_token=${token}`);
    return body.errcode;
  }
}

/** The path of a classic fetch by the default app; a parameter that is '' is left out. */
export function classicPath(parameters: Record<string, string> = {}): string {
  const { appId: appid, appSecret: secret } = DEFAULT_APP;
  const all = Object.entries({ grant_type: 'client_credential', appid, secret, ...parameters });
  return `/cgi-bin/token?${new URLSearchParams(all.filter(([, value]) => value !== '')).toString()}`;
}

function objectFrom(text: string): Answer['body'] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
