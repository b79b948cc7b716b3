import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { CONTROL_PREFIX, serveControl } from './control-front.js';
import { send } from './http-reply.js';
import { readCall } from './read-call.js';
import { serveCall } from './serve-call.js';
import { SimulatedPlatform } from './simulated-platform.js';
import type { World } from './world.js';

const MAX_CONTROL_BYTES = 1024 * 1024;

interface Running {
  readonly server: Server;
  readonly url: string;
  readonly stopping: AbortController;
}

/**
 * A platform's token rules on a local port, with a control API under `/__sim/` that shows every token and injects faults:
 * for tests and for trying things out, never on a network that others can reach.
 */
export abstract class Simulator<W extends World = World> extends SimulatedPlatform<W> {
  #running: Running | undefined;

  /** Throws when it is not running. */
  get url(): string {
    if (!this.#running) throw new Error('The simulator is not running');
    return this.#running.url;
  }

  /** Port 0: any free one. Rejects when it cannot listen there. */
  async start(port = 0, host = '127.0.0.1'): Promise<{ readonly url: string }> {
    if (this.#running) throw new Error('The simulator is running already');
    const stopping = new AbortController();
    setMaxListeners(0, stopping.signal);
    const server = createServer((request, response) => {
      this.#serve(request, response, stopping.signal).catch((error: unknown) => {
        fail(response, error, stopping.signal);
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    const address = server.address();
    const actualPort = typeof address === 'object' && address ? address.port : port;
    const url = `http://${isIPv6(host) ? `[${host}]` : host}:${String(actualPort)}`;
    this.#running = { server, url, stopping };
    return { url };
  }

  /** Closes every connection at once and gives up what was still to be done; the world stays. Harmless when not running. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    running.stopping.abort();
    await new Promise<void>((resolve) => {
      running.server.close(() => {
        resolve();
      });
      running.server.closeAllConnections();
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse, stopping: AbortSignal): Promise<void> {
    const call = await readCall(request);
    const isTooLong =
      !call || (call.path.startsWith(CONTROL_PREFIX) && call.bytes.length > MAX_CONTROL_BYTES);
    if (isTooLong) {
      send(response, { status: 413, contentType: 'text/plain', text: 'The body is too long.\n' });
    } else if (call.path.startsWith(CONTROL_PREFIX)) {
      serveControl(this, call, response);
    } else {
      await serveCall({ world: this.world, faults: this.faults, now: this.now }, call, response, stopping);
    }
  }
}

/** A caller that went away, or a simulator that stops, is nothing to tell; the rest is a bug of the simulator. */
function fail(response: ServerResponse, error: unknown, stopping: AbortSignal): void {
  if (stopping.aborted || response.destroyed) return;
  send(response, {
    status: 500,
    contentType: 'text/plain',
    text: `The simulator failed: ${String(error)}\n`,
  });
}
