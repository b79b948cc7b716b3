import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ConsolePages } from '../api/console/console-pages.route.js';
import { secureHeaders } from '../api/console/console.guard.js';
import { snippetsFor } from '../api/console/snippets.js';
import { sleep, type Clock } from '../core/ports/clock.js';
import type { Redactor } from '../core/redaction/redactor.js';
import { SystemClock } from '../core/system-clock.js';
import { OneTimeLink } from './one-time-link.js';
import { Setup, SetupFault } from './setup.js';

/** A link that nobody has opened ends, so that nobody finds it later and gets in. */
const LINK_MINUTES = 30;
const MAX_BODY_BYTES = 16 * 1024;
const COOKIE = 'first_run';
const HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
const LOOPBACK_NAMES: ReadonlySet<string> = new Set([HOST, 'localhost']);
const PAGE = 'first-run.html';

const STATUS = { invalid_request: 400, not_checked: 409, file_exists: 409, too_many_requests: 429 } as const;

export interface FirstRunOptions {
  readonly setup: Setup;
  readonly clock: Clock;
  readonly port: number;
  readonly out: (text: string) => void;
  readonly pages?: ConsolePages;
}

/** Has a person write the first configuration into the working directory; returns when that is done, or nobody did it. */
export async function configureInBrowser(env: NodeJS.ProcessEnv, redactor: Redactor): Promise<void> {
  const port = Number(env.PORT === undefined || env.PORT === '' ? DEFAULT_PORT : env.PORT);
  // Said when the configuration is read.
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return;
  const clock = new SystemClock();
  const setup = new Setup(env, process.cwd(), redactor, clock);
  await firstRun({ setup, clock, port, out: (text) => process.stdout.write(text) });
}

/**
 * Serves the page that writes the first configuration, on the loopback address alone, to the one browser that opens the
 * link which `out` is told. Resolves to true when the files are there and the port is free again, to false when nobody
 * finished within half an hour.
 */
export async function firstRun(options: FirstRunOptions): Promise<boolean> {
  const { clock, port, out } = options;
  const link = new OneTimeLink();
  const server = new FirstRunServer(link, options);
  await server.listen(port);
  out(`access-token-broker has no configuration yet. Open this link in a browser on this machine to make one:

  http://${HOST}:${String(port)}/first-run#${link.code}

It works once, for ${String(LINK_MINUTES)} minutes. On a server: ssh -L ${String(port)}:${HOST}:${String(port)} <server>
Or configure it by hand: README.md, "First real use".
`);
  const isOver = sleep(clock, LINK_MINUTES * 60_000).then(() => false);
  const isDone = await Promise.race([server.finished, isOver]);
  await server.close();
  return isDone;
}

class FirstRunServer {
  /** The files are written, and the browser knows it. */
  readonly finished: Promise<true>;
  private readonly fastify: FastifyInstance;
  private readonly pages: ConsolePages;
  private finish: () => void = () => undefined;

  constructor(
    private readonly link: OneTimeLink,
    private readonly options: FirstRunOptions,
  ) {
    this.finished = new Promise((resolve) => {
      this.finish = () => {
        resolve(true);
      };
    });
    this.pages = options.pages ?? new ConsolePages();
    this.fastify = Fastify({
      bodyLimit: MAX_BODY_BYTES,
      requestTimeout: 10_000,
      forceCloseConnections: true,
    });
    this.fastify.removeContentTypeParser('text/plain');
    this.route();
  }

  async listen(port: number): Promise<void> {
    await this.fastify.listen({ host: HOST, port });
  }

  async close(): Promise<void> {
    await this.fastify.close();
  }

  private route(): void {
    const { fastify } = this;
    fastify.addHook('onRequest', async (request, reply) => {
      secureHeaders(reply);
      if (isFromHere(request)) return;
      return refuse(reply, 403, 'forbidden', 'Open the link that the broker printed, on this machine.');
    });
    fastify.setErrorHandler((error, _request, reply) => {
      if (error instanceof SetupFault)
        return refuse(reply, STATUS[error.code], error.code, error.message, error.field);
      const { statusCode = 500, message } = error as Error & { statusCode?: number };
      return statusCode < 500
        ? refuse(reply, statusCode, 'invalid_request', message)
        : refuse(reply, 500, 'internal_error', 'The broker made a mistake.');
    });
    fastify.setNotFoundHandler((_request, reply) =>
      refuse(reply, 404, 'not_found', 'There is no configuration yet, so nothing is served but /first-run.'),
    );
    fastify.get('/', (_request, reply) => reply.redirect('/first-run', 303));
    fastify.get('/first-run', (request, reply) => this.file(PAGE, request, reply));
    fastify.get<{ Params: { '*': string } }>('/console/*', (request, reply) =>
      this.file(request.params['*'], request, reply),
    );
    fastify.post<{ Body: unknown }>('/first-run/api/session', ({ body }, reply) => {
      const session = this.link.open(fieldsOf(body).code);
      if (session === null) {
        const why = this.link.isUsed
          ? 'This link was opened before, and works once. Start the broker again for another one.'
          : 'This is not the link that the broker printed.';
        return refuse(reply, 403, 'forbidden', why);
      }
      const cookie = `${COOKIE}=${session}; Path=/first-run; HttpOnly; SameSite=Strict`;
      return reply.header('set-cookie', cookie).send({ ok: true });
    });
    void fastify.register(async (signedIn) => {
      signedIn.addHook('onRequest', async (request, reply) => {
        const [, session = ''] = /(?:^|; )first_run=([\w-]+)/.exec(request.headers.cookie ?? '') ?? [];
        if (this.link.isOf(session)) return;
        return refuse(reply, 401, 'unauthorized', 'Open the link that the broker printed.');
      });
      signedIn.post<{ Body: unknown }>('/first-run/api/check', ({ body }) =>
        this.options.setup.try(accountOf(fieldsOf(body))),
      );
      signedIn.post<{ Body: unknown }>('/first-run/api/finish', (request, reply) =>
        this.written(request, reply),
      );
    });
  }

  private written({ body, headers }: FastifyRequest, reply: FastifyReply): FastifyReply {
    const fields = fieldsOf(body);
    const app = textOf(fields, 'app');
    const { configFile, secretFile, keys } = this.options.setup.write(app, accountOf(fields));
    const url = `http://${headers.host ?? ''}`;
    reply.raw.once('close', this.finish);
    return reply.header('connection', 'close').send({
      config_file: configFile,
      secret_file: secretFile,
      url,
      keys,
      snippets: snippetsFor(app, url),
    });
  }

  private file(path: string, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const file = this.pages.get(path, request.headers['accept-encoding']?.toString() ?? '');
    if (!file) {
      reply.callNotFound();
      return reply;
    }
    return reply.headers(file.headers).send(file.bytes);
  }
}

/** A page elsewhere can have a browser send requests here, also under a name of its own that resolves to the loopback address. */
function isFromHere({ method, headers }: FastifyRequest): boolean {
  const host = headers.host ?? '';
  const [name = ''] = host.split(':');
  if (!LOOPBACK_NAMES.has(name)) return false;
  return method === 'GET' || headers.origin === `http://${host}`;
}

function refuse(
  reply: FastifyReply,
  status: number,
  code: string,
  detail: string,
  field?: string,
): FastifyReply {
  return reply
    .status(status)
    .type('application/problem+json')
    .send({ type: 'about:blank', status, code, detail, ...(field !== undefined && { field }) });
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new SetupFault('invalid_request', 'The body must be a JSON object.');
  }
  return body as Record<string, unknown>;
}

function accountOf(fields: Readonly<Record<string, unknown>>): { appId: string; appSecret: string } {
  return { appId: textOf(fields, 'app_id'), appSecret: textOf(fields, 'app_secret') };
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string {
  const value = fields[name];
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  throw new SetupFault('invalid_request', `"${name}" must be a text.`, name);
}
