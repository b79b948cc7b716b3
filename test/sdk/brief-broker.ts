import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface BriefAnswer {
  readonly access_token: string;
  readonly generation: number;
  readonly expires_in: number;
  readonly cache_max_age: number;
}

/** Gives everybody its answer, or 503 where that is too old for them, until it leaves for good. */
export class BriefBroker {
  private constructor(
    private readonly server: Server,
    public answer: BriefAnswer,
  ) {
    server.on('request', ({ url = '' }, response) => {
      const minGeneration = Number(new URL(url, this.url).searchParams.get('min_generation'));
      response.statusCode = this.answer.generation < minGeneration ? 503 : 200;
      response.end(JSON.stringify(this.answer));
    });
  }

  static async start(answer: BriefAnswer): Promise<BriefBroker> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new BriefBroker(server, answer);
  }

  /** Throws once it has left. */
  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** Harmless when it has left. */
  async leave(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
      this.server.closeAllConnections();
    });
  }
}
