import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { endWithProblem } from './answer-client-error.js';
import { problem, type Problem } from './problem.js';
import { connectionEventOf, remoteOf, type HttpObserver } from './request.js';

/** Requests of one connection that wait for the answer to the one before them. Clients that do not wait for answers are rare, and those that send more are not served. */
export const MAX_WAITING_REQUESTS = 16;

export type Handle = (request: IncomingMessage, response: ServerResponse) => void;

/** Makes the parser stop in the midst of what it has read; `clientError` comes with the code HPE_CB_HEADERS_COMPLETE. */
const STOP_PARSING = -1;

/** What Node's server hangs on a socket. */
interface ServerSocket extends Socket {
  readonly parser?: { onIncoming: (request: IncomingMessage, keepAlive: boolean) => number } | null;
}

/** The requests of one connection. */
class Queue {
  waiting = 0;
  private seen = 0;
  private hasLoopTurned = true;

  /**
   * Whether one more may come. Node answers requests that have a body while it still parses what it has read, so that they
   * never wait: of those, no more than twice as many may come before others have their turn.
   */
  hasPlace(): boolean {
    this.seen += 1;
    if (this.seen === MAX_WAITING_REQUESTS) {
      if (!this.hasLoopTurned) return false;
      this.seen = 0;
      this.hasLoopTurned = false;
      // eslint-disable-next-line no-restricted-globals -- a turn of the loop, which is neither time nor chance
      setImmediate(() => (this.hasLoopTurned = true));
    }
    return this.waiting < MAX_WAITING_REQUESTS;
  }
}

/**
 * Has a server begin each request of a connection when the answer before it was taken by the network, so that whoever does not
 * read gets no further answer worked out. Node would begin all that one read of the socket brings: some 3,000 in 64 KiB.
 *
 * @param ahead comes before the listeners that the server has, which get what it returns false for, and what it passes on later
 */
export function answerInTurn(
  server: Server,
  observer: HttpObserver,
  ahead: (request: IncomingMessage, response: ServerResponse, passOn: Handle) => boolean,
): void {
  const listeners = server.listeners('request') as RequestListener[];
  const queues = new WeakMap<Socket, Queue>();

  const passOn: Handle = (request, response) => {
    for (const listener of listeners) listener.call(server, request, response);
  };
  const begin: Handle = (request, response) => {
    const fault = headFault(request);
    if (fault !== undefined) {
      endWithProblem(response, fault);
      observer.request('unmatched', request.method ?? '', fault.status, 0);
      return;
    }
    if (!ahead(request, response, passOn)) passOn(request, response);
  };
  const arrived: RequestListener = (request, response) => {
    if (response.socket !== null) {
      begin(request, response);
      return;
    }
    const queue = queues.get(request.socket);
    if (queue) queue.waiting += 1;
    response.once('socket', () => {
      if (queue) queue.waiting -= 1;
      // Not at once: Node is about to flush what was written before there was a socket.
      process.nextTick(begin, request, response);
    });
  };

  server.removeAllListeners('request');
  server.on('request', arrived);
  // Node would answer 417 by itself; what is expected besides 100-continue may be ignored.
  server.on('checkExpectation', arrived);
  server.on(connectionEventOf(server), (socket: ServerSocket) => {
    const { parser } = socket;
    if (!parser) return;
    const queue = new Queue();
    queues.set(socket, queue);
    const { onIncoming } = parser;
    parser.onIncoming = (request, keepAlive) => {
      if (queue.hasPlace()) return onIncoming(request, keepAlive);
      observer.overloaded('pipelining', remoteOf(socket));
      return STOP_PARSING;
    };
  });
}

const HOST = 'host';

const VERSION_FAULT = problem('invalid_request', 'Send the request as HTTP/1.1 or HTTP/1.0.');
const FORM_FAULT = problem('invalid_request', 'Send the path alone as the target, without scheme and host.');
const HOST_FAULT = problem('invalid_request', 'Send the header Host exactly once.');

/** What is wrong with a request besides its syntax, which Node has checked. Called on the hot path. */
function headFault({
  httpVersionMajor,
  httpVersionMinor,
  rawHeaders,
  url = '',
}: IncomingMessage): Problem | undefined {
  if (httpVersionMajor !== 1) return VERSION_FAULT;
  if (!url.startsWith('/') && url !== '*') return FORM_FAULT;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === HOST.length && name.toLowerCase() === HOST) hosts += 1;
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0) ? undefined : HOST_FAULT;
}
