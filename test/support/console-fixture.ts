import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import type {
  AppDetail,
  AppRow,
  CallerRow,
  HistoryEvent,
  ProbeResult,
  Session,
  SystemView,
} from '../../packages/console/src/api-types.js';

/** What the fixture takes as a key. */
export const FIXTURE_KEY = 'tbk_fixture';

const PAGE = join(import.meta.dirname, '../../dist/console');
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** What the page is shown; a test changes it and says so by `send`. */
export interface ConsoleWorld {
  apps: AppRow[];
  system: SystemView;
  callers: CallerRow[];
  history: HistoryEvent[];
  canAct: boolean;
  /** What a try of a token brings. */
  probe: ProbeResult;
  /** With which signing in is refused. */
  refusal?: { readonly status: number; readonly code: string };
}

/**
 * The built page over a world of a test's own: what a broker cannot easily be brought into, 10,000 apps or a platform
 * that is away. Everything else is tested over the broker itself.
 */
export class ConsoleFixture {
  readonly #streams = new Set<ServerResponse>();
  readonly #server = createServer((request, response) => {
    this.#answer(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  #isSignedIn = false;

  readonly world: ConsoleWorld;

  constructor(world: ConsoleWorld) {
    this.world = world;
  }

  /** Resolves with the page's address. */
  async start(port = 0): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/console`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  send(event: 'app' | 'app_removed' | 'history' | 'system' | 'session_ended', data: unknown): void {
    for (const stream of this.#streams) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://fixture');
    if (!pathname.startsWith('/console/api/')) {
      await this.#file(pathname, response);
      return;
    }
    const path = pathname.slice('/console/api'.length);
    const body = await bodyOf(request);
    if (path === '/session') {
      this.#session(request.method ?? 'GET', body, response);
      return;
    }
    if (!this.#isSignedIn) {
      problem(response, 401, 'unauthorized', 'There is no session.');
      return;
    }
    if (path === '/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n');
      this.#streams.add(response);
      response.on('close', () => this.#streams.delete(response));
      return;
    }
    const found = this.#find(path);
    if (found === undefined) problem(response, 404, 'unknown_app', 'There is no such app.');
    else json(response, found);
  }

  #session(method: string, body: string, response: ServerResponse): void {
    if (method === 'DELETE') {
      this.#isSignedIn = false;
      response.writeHead(204).end();
      return;
    }
    if (method === 'POST') {
      const { refusal } = this.world;
      if (refusal) {
        problem(response, refusal.status, refusal.code, 'Signing in is refused.');
        return;
      }
      if ((JSON.parse(body) as { key: string }).key !== FIXTURE_KEY) {
        problem(response, 401, 'unauthorized', 'This key is not known.');
        return;
      }
      this.#isSignedIn = true;
    }
    if (!this.#isSignedIn) {
      problem(response, 401, 'unauthorized', 'Nobody is signed in.');
      return;
    }
    const session: Session = {
      client: 'ops',
      can_act: this.world.canAct,
      csrf: 'c',
      expires_at: new Date(Date.now() + 8 * 3_600_000).toISOString(),
      broker_version: '0.0.0',
    };
    json(response, session);
  }

  #find(path: string): unknown {
    const { apps, system, callers, history } = this.world;
    if (path === '/apps') return { items: apps, next: null };
    if (path === '/system') return { ...system, at: new Date().toISOString() };
    if (path === '/callers') return { items: callers };
    const [, name, part] = /^\/apps\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const row = apps.find(({ app }) => app === decodeURIComponent(name ?? ''));
    if (!row) return undefined;
    if (part === 'history') return { events: history.filter(({ app }) => app === row.app), next: null };
    if (part === 'probe') return this.world.probe;
    if (part === 'refresh')
      return { result: 'rotated', generation: (row.generation ?? 0) + 1, message: null, remedy: null };
    return detailOf(row);
  }

  async #file(pathname: string, response: ServerResponse): Promise<void> {
    const name = pathname.includes('/assets/') ? pathname.slice('/console'.length) : '/index.html';
    const content = await readFile(join(PAGE, name));
    response.writeHead(200, {
      'content-type': TYPES[extname(name)] ?? 'text/plain',
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
    });
    response.end(content);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  return body;
}

function json(response: ServerResponse, answer: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
}

function problem(response: ServerResponse, status: number, code: string, detail: string): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify({ code, detail, status }));
}

const snippet = (name: string) =>
  `curl -H "Authorization: Bearer \${KEY}" \\\n  'https://broker.internal/token?app=${name}'`;

function detailOf(row: AppRow): AppDetail {
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  return {
    row,
    callers: [
      { client: 'orders', reads: 48_210, reports: 0, last_read_at: ago(0.1), last_report_at: null },
      { client: 'marketing', reads: 1204, reports: 3, last_read_at: ago(2), last_report_at: ago(190) },
    ],
    login: { total: 5130, failed: 12, last_at: ago(1) },
    gateway: null,
    snippets: [
      { id: 'curl', title: 'curl', text: snippet(row.app) },
      {
        id: 'node',
        title: 'Node.js',
        text: `const client = new TokenClient({\n  baseUrl: 'https://broker.internal',\n  apiKey: process.env.KEY,\n  app: '${row.app}',\n});\nawait client.token();`,
      },
      { id: 'java', title: 'Java', text: `new TokenClient("${row.app}")` },
      { id: 'go', title: 'Go', text: `broker.New("${row.app}")` },
      { id: 'php', title: 'PHP', text: `new TokenClient('${row.app}')` },
      { id: 'python', title: 'Python', text: `TokenClient("${row.app}")` },
    ],
  };
}
