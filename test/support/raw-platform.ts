import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Bytes of an answer, in the pieces in which they are sent, and what becomes of the connection then. */
export interface RawAnswer {
  readonly pieces: readonly Buffer[];
  readonly end: 'keep' | 'close' | 'reset';
  /** Sent before the body of the request is read. */
  readonly isEarly?: boolean;
}

/** A platform that reads requests as HTTP and answers with whatever bytes it is told to. */
export class RawPlatform {
  /** `METHOD /path`, without a query, as often as it arrived. */
  readonly calls: string[] = [];
  private readonly answers = new Map<string, RawAnswer>();
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => this.sockets.delete(socket));
      // A connection that breaks off has no further request.
      this.serve(socket).catch(() => undefined);
    });
  }

  static async start(): Promise<RawPlatform> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new RawPlatform(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** @param call as in `calls` */
  answerTo(call: string, answer: RawAnswer): void {
    this.answers.set(call, answer);
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private async serve(socket: Socket): Promise<void> {
    let unread = Buffer.alloc(0);
    let head: Head | null = null;
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      unread = Buffer.concat([unread, chunk as Buffer]);
      // What one read brings may be the end of a body and the next request.
      for (;;) {
        if (head === null) {
          head = headOf(unread);
          if (head === null) break;
          this.calls.push(head.call);
          if (this.answers.get(head.call)?.isEarly) await this.answer(socket, head.call);
        }
        if (unread.length < head.bytes) break;
        unread = unread.subarray(head.bytes);
        if (!this.answers.get(head.call)?.isEarly) await this.answer(socket, head.call);
        head = null;
      }
    }
  }

  private async answer(socket: Socket, call: string): Promise<void> {
    const { pieces, end } = this.answers.get(call) ?? { pieces: [], end: 'reset' };
    for (const piece of pieces) {
      socket.write(piece);
      await new Promise(setImmediate);
    }
    if (end === 'close') socket.end();
    else if (end === 'reset') socket.resetAndDestroy();
  }
}

interface Head {
  readonly call: string;
  /** Of the whole request. */
  readonly bytes: number;
}

/** Null while it is not whole. */
function headOf(unread: Buffer): Head | null {
  const at = unread.indexOf('\r\n\r\n');
  if (at < 0) return null;
  const text = unread.toString('latin1', 0, at);
  const length = Number(/^content-length: (\d+)$/im.exec(text)?.[1] ?? 0);
  return { call: text.split('?')[0] ?? '', bytes: at + 4 + length };
}
