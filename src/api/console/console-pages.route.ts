import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONSOLE_STREAM, originOf, HttpObserver, RequestTracing } from '../common/request.js';
import { ClientLimits } from '../limits/client-limits.js';
import { OPEN_STREAM, READ_PAGE } from './console.api.js';
import { ConsoleSessions, secureHeaders } from './console.guard.js';
import { ConsoleStreams } from './console-streams.js';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';

/** Where the page was built to: in the server's own build, from the sources and from the build itself. */
const BUILT = [
  join(import.meta.dirname, '../../console'),
  join(import.meta.dirname, '../../../dist/console'),
];

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.md': 'text/plain; charset=utf-8',
};
/** In the order of preference. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;
const INDEX = 'index.html';
/** The names of these have the hash of their content. */
const ASSETS = 'assets/';
const MISSING = `<!doctype html><html lang="en"><meta charset="utf-8"><title>The console is not built</title>
<h1>The console is not built</h1>
<p>The broker runs and serves tokens. Its page is missing: run <code>npm run build</code> where the broker was started from, or use the image, and start it again.</p></html>`;

export interface PageFile {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** The files of the page, all in memory: a few hundred kilobytes, read once. */
export class ConsolePages {
  private readonly files: ReadonlyMap<string, Buffer>;

  /** @param folders the first one that has the page is taken */
  constructor(folders: readonly string[] = BUILT) {
    const folder = folders.find((one) => existsSync(join(one, INDEX)));
    this.files = new Map(folder === undefined ? [] : filesIn(folder));
  }

  get isBuilt(): boolean {
    return this.files.has(INDEX);
  }

  /** @param path below /console/; empty for the page itself */
  get(path: string, acceptEncoding = ''): PageFile | undefined {
    const name = path === '' ? INDEX : path;
    const plain = this.files.get(name);
    if (name === INDEX && plain === undefined) {
      return { headers: headersOf(INDEX), bytes: Buffer.from(MISSING) };
    }
    if (plain === undefined) return undefined;
    const accepted = new Set(
      acceptEncoding.split(',').map((one) => one.replace(/;q=0?\.?[1-9]\d*$|;q=1(\.0*)?$/, '').trim()),
    );
    for (const [encoding, suffix] of ENCODINGS) {
      const packed = this.files.get(name + suffix);
      if (!packed || !accepted.has(encoding)) continue;
      return { headers: { ...headersOf(name), 'content-encoding': encoding }, bytes: packed };
    }
    return { headers: headersOf(name), bytes: plain };
  }
}

function headersOf(name: string): Record<string, string> {
  return {
    'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
    'cache-control': name.startsWith(ASSETS) ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
  };
}

function filesIn(folder: string): [string, Buffer][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(folder.length + 1), readFileSync(path)];
    });
}

const STREAM_HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // nginx would keep events back until a buffer is full.
  'x-accel-buffering': 'no',
  // Nothing follows on this connection, so it ends with the stream.
  connection: 'close',
};

/** The page, its files and its event stream: plain Fastify routes, since what they answer is no JSON. */
@Injectable()
export class ConsolePagesRoute implements OnModuleInit, BeforeApplicationShutdown {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly pages: ConsolePages,
    private readonly sessions: ConsoleSessions,
    private readonly streams: ConsoleStreams,
    private readonly limits: ClientLimits,
    private readonly observer: HttpObserver,
    private readonly tracing: RequestTracing,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    const page = { config: { api: READ_PAGE } };
    fastify.get('/console', page, (request, reply) => this.file('', request, reply));
    fastify.get<{ Params: { '*': string } }>('/console/*', page, (request, reply) =>
      this.file(request.params['*'], request, reply),
    );
    const stream = { exposeHeadRoute: false, config: { api: OPEN_STREAM } };
    fastify.get(CONSOLE_STREAM, stream, (request, reply) => this.open(request, reply));
  }

  /** Before the server waits for open answers to end. */
  beforeApplicationShutdown(): void {
    this.streams.end();
  }

  private file(path: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const file = this.pages.get(path, request.headers['accept-encoding']);
    if (!file) {
      reply.callNotFound();
      return reply;
    }
    return secureHeaders(reply).headers(file.headers).send(file.bytes);
  }

  private async open(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const who = await this.sessions.authenticate(request, 'console');
    const { client } = who;
    if (reply.raw.destroyed) {
      reply.hijack();
      return;
    }
    reply.raw.once('close', this.limits.openStream(client.name, originOf(request).remote));
    reply.hijack();
    reply.raw.writeHead(200, { ...STREAM_HEAD, 'x-request-id': request.id });
    this.streams.open(reply.raw, () => this.sessions.recheck(who));
    // It has begun, and that is what is measured: how long it lasts is up to the reader.
    this.observer.request(CONSOLE_STREAM, request.method, 200, reply.elapsedTime);
    this.tracing.of(request.raw)?.end(CONSOLE_STREAM, request.method, 200);
  }
}
