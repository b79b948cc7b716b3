import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Gives everybody the same answer, until it leaves for good. */
export class BriefBroker {
  private constructor(private readonly server: Server) {}

  static async start(answer: object): Promise<BriefBroker> {
    const server = createServer((_, response) => response.end(JSON.stringify(answer)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new BriefBroker(server);
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
