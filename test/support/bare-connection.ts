import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection on which a test writes bytes of its own, and what came back on it. */
export class BareConnection {
  received = '';
  readonly closed: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => (this.received += text));
    // Being reset is one of the ways to be turned away.
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve();
      });
    });
  }

  /** @param reads whether it takes what comes */
  static async to(url: string, { reads = true } = {}): Promise<BareConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const connection = new BareConnection(socket);
    if (!reads) socket.pause();
    return connection;
  }

  /** Takes so many characters more, and then nothing. Throws if the connection ends before. */
  async readPart(characters: number): Promise<void> {
    const enough = this.received.length + characters;
    this.socket.resume();
    while (this.received.length < enough) await Promise.race([once(this.socket, 'data'), this.endedEarly()]);
    this.socket.pause();
  }

  write(text: string): void {
    this.socket.write(text);
  }

  private async endedEarly(): Promise<never> {
    await this.closed;
    throw new Error('the connection ended early');
  }

  /** The status codes of the answers so far. */
  get statuses(): number[] {
    return Array.from(this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, code]) => Number(code));
  }
}
