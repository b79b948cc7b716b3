import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the platform does with one call: the body of its answer, `reset` (reads it and closes the connection) or `silence`. */
export type Script = string | { readonly status?: number; readonly type?: string; readonly body: string };

/** A platform that answers each call with the next of the given answers, the last one again and again. */
export class ScriptedPlatform {
  /** `METHOD /path?query body` */
  readonly calls: string[] = [];
  /** The token of each call, in the query or as a Bearer. */
  readonly tokens: (string | undefined)[] = [];
  private scripts: readonly Script[] = [];

  private constructor(
    private readonly server: http.Server,
    readonly url: string,
  ) {}

  static async start(): Promise<ScriptedPlatform> {
    const server = http.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const platform = new ScriptedPlatform(
      server,
      `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    );
    server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        platform.calls.push(`${String(request.method)} ${String(request.url)} ${body}`.trim());
        const [, token] = /[?&]access_token=([^&]*)/.exec(String(request.url)) ?? [];
        platform.tokens.push(token ?? request.headers.authorization?.replace(/^Bearer /, ''));
        platform.answer(response);
      });
    });
    return platform;
  }

  /** Forgets the calls so far. */
  answerWith(...scripts: readonly Script[]): void {
    this.scripts = scripts;
    this.calls.length = 0;
    this.tokens.length = 0;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer(response: http.ServerResponse): void {
    const script = this.scripts[Math.min(this.calls.length, this.scripts.length) - 1];
    if (script === undefined || script === 'silence') return;
    if (script === 'reset') {
      response.destroy();
      return;
    }
    const {
      status = 200,
      type = 'text/plain',
      body,
    } = typeof script === 'string' ? { body: script } : script;
    response.writeHead(status, { 'content-type': type }).end(body);
  }
}
