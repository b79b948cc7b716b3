import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A platform that is like no other: passes in a header, errors as words in another, and every pass ends the one before at once. */
export class ToyServer {
  fetches = 0;
  /** The only living pass. */
  pass: string | null = null;
  private endsAtMs = 0;
  private readonly server = createServer((request, response) => {
    this.answer(request, response);
  });

  private constructor(
    public phrase: string,
    private readonly lifeSeconds: number,
  ) {}

  static async start(phrase: string, lifeSeconds: number): Promise<ToyServer> {
    const toy = new ToyServer(phrase, lifeSeconds);
    await new Promise<void>((resolve) => toy.server.listen(0, '127.0.0.1', resolve));
    return toy;
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  accepts(pass: unknown): boolean {
    return pass !== null && pass === this.pass && performance.now() < this.endsAtMs;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private answer({ url, headers }: IncomingMessage, response: ServerResponse): void {
    if (url === '/shelf') {
      if (this.accepts(headers['x-pass'])) response.end('books');
      else response.writeHead(401, { 'x-why': 'STALE' }).end();
    } else if (url !== '/pass') response.writeHead(404, { 'x-why': 'NO_SUCH_ROOM' }).end();
    else if (headers['x-phrase'] !== this.phrase) response.writeHead(403, { 'x-why': 'WRONG_PHRASE' }).end();
    else {
      this.fetches += 1;
      this.pass = `toypass-${randomBytes(16).toString('hex')}`;
      this.endsAtMs = performance.now() + this.lifeSeconds * 1000;
      response.setHeader('x-pass', this.pass).end(String(this.lifeSeconds));
    }
  }
}
