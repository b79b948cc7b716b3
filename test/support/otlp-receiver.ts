import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A span as a collector sees it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Milliseconds. */
  readonly durationMs: number;
  /** Milliseconds since the Unix epoch. */
  readonly endMs: number;
  readonly isError: boolean;
}

interface OtlpSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code: number };
  attributes: { key: string; value: Record<string, unknown> }[];
}

interface OtlpBody {
  resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
}

/** `STATUS_CODE_ERROR` of OTLP. */
const ERROR = 2;

/** A collector that takes OTLP/HTTP in JSON; it ends with the test file. */
export class OtlpReceiver {
  /** All that it was sent, as it came. */
  readonly bodies: string[] = [];
  readonly headers: IncomingHttpHeaders[] = [];
  behaviour: 'takes' | 'refuses' | 'hangs' = 'takes';
  private readonly held: ServerResponse[] = [];
  private readonly server = createServer((request, response) => {
    void text(request).then((body) => {
      if (this.behaviour === 'hangs') {
        this.held.push(response);
        return;
      }
      this.headers.push(request.headers);
      if (this.behaviour === 'takes') this.bodies.push(body);
      response.writeHead(this.behaviour === 'takes' ? 200 : 400, { 'content-type': 'application/json' });
      response.end('{}');
    });
  });

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    started.push(receiver);
    return receiver;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}/v1/traces`;
  }

  get spans(): ReceivedSpan[] {
    return this.bodies
      .flatMap((body) => (JSON.parse(body) as OtlpBody).resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      .map(receivedSpan);
  }

  async stop(): Promise<void> {
    // A refusal: an exporter tries again when its connection breaks, and keeps the process of the test alive.
    for (const response of this.held.filter(({ destroyed }) => !destroyed)) {
      response.writeHead(400).end();
      await once(response, 'finish');
    }
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const started: OtlpReceiver[] = [];
afterAll(() => Promise.all(started.map((receiver) => receiver.stop())));

function receivedSpan(span: OtlpSpan): ReceivedSpan {
  const { name, kind, traceId, spanId, parentSpanId } = span;
  const attributes = span.attributes.map(({ key, value }) => [key, Object.values(value)[0]] as const);
  const durationMs = Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6;
  return {
    name,
    kind,
    traceId,
    spanId,
    parentSpanId,
    attributes: Object.fromEntries(attributes),
    durationMs,
    endMs: Number(BigInt(span.endTimeUnixNano) / 1_000_000n),
    isError: span.status.code === ERROR,
  };
}
