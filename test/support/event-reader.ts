/** One server-sent event, or the text of a comment. */
export interface ReceivedEvent {
  readonly event: string | null;
  readonly id: string | null;
  /** Of JSON; empty for a comment. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Exactly as it came. */
  readonly text: string;
  readonly atMs: number;
}

export interface EventRequest {
  readonly key?: string | undefined;
  readonly lastEventId?: number | string;
  readonly headers?: Readonly<Record<string, string>>;
}

const readers = new Set<EventReader>();

afterAll(() => {
  for (const reader of readers) reader.close();
});

/** Reads an event stream until it ends, or until it is closed, at the latest with the test file. */
export class EventReader {
  readonly received: ReceivedEvent[] = [];
  /** How it ended. Never rejects. */
  readonly ended: Promise<'cleanly' | 'cut'>;

  private constructor(
    readonly headers: Headers,
    body: ReadableStream<Uint8Array>,
    private readonly controller: AbortController,
  ) {
    this.ended = this.read(body).then(
      () => 'cleanly',
      () => 'cut',
    );
  }

  /** Resolves when the head of the answer is there. Throws unless it is a 200. */
  static async open(url: string, { key, lastEventId, headers }: EventRequest = {}): Promise<EventReader> {
    const controller = new AbortController();
    const response = await fetch(url, {
      signal: controller.signal,
      headers: {
        ...headers,
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(lastEventId !== undefined && { 'last-event-id': String(lastEventId) }),
      },
    });
    if (response.status !== 200 || !response.body) throw new Error(await response.text());
    const reader = new EventReader(response.headers, response.body, controller);
    readers.add(reader);
    return reader;
  }

  /** Those that are no comments. */
  get events(): ReceivedEvent[] {
    return this.received.filter(({ event }) => event !== null);
  }

  get generations(): number[] {
    return this.events.map(({ id }) => Number(id));
  }

  close(): void {
    readers.delete(this);
    this.controller.abort();
  }

  private async read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.received.push(parsed(`${part}\n\n`));
    }
  }
}

function parsed(text: string): ReceivedEvent {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? null;
  const data = field('data');
  return {
    event: field('event'),
    id: field('id'),
    data: data === null ? {} : (JSON.parse(data) as Record<string, unknown>),
    text,
    atMs: performance.now(),
  };
}
