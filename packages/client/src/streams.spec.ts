import { eventData } from './streams.js';

async function read(...chunks: (string | Uint8Array)[]): Promise<{ data: string[]; bytes: number }> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(Buffer.from(chunk));
      controller.close();
    },
  });
  const { signal } = new AbortController();
  const data: string[] = [];
  let bytes = 0;
  for await (const one of eventData(body, signal, () => (bytes += 1))) data.push(one);
  return { data, bytes };
}

describe('eventData', () => {
  it('gives the data of each event, and hears comments', async () => {
    expect(await read('event: token\nid: 7\ndata: {"a":1}\n\n', ':\n\n', 'data: 2\n\n')).toEqual({
      data: ['{"a":1}', '2'],
      bytes: 3,
    });
  });

  it('takes any number of events from one chunk, and any number of chunks for one event', async () => {
    expect((await read('data: 1\n\ndata: 2\n\nda', 'ta: ', '3\n', '\n')).data).toEqual(['1', '2', '3']);
    const bytes = Buffer.from('data: 中控\n\n');
    expect((await read(bytes.subarray(0, 7), bytes.subarray(7))).data).toEqual(['中控']);
  });

  it('takes either end of line, and data of several lines', async () => {
    expect((await read('data: 1\r\ndata: 2\r\n\r\n')).data).toEqual(['1\n2']);
  });

  it('leaves out an event that the end of the stream cut off', async () => {
    expect((await read('data: 1\n\ndata: 2\n')).data).toEqual(['1']);
  });

  it('gives up on what never ends', async () => {
    await expect(read('x'.repeat(70_000))).rejects.toThrow('no event stream');
  });

  it('ends when its signal is aborted, and cancels a body that knows nothing of the signal', async () => {
    const reasons: unknown[] = [];
    const body = new ReadableStream<Uint8Array>({
      cancel: (reason) => {
        reasons.push(reason);
      },
    });
    const abort = new AbortController();
    const next = eventData(body, abort.signal, () => undefined).next();
    await Promise.resolve();
    abort.abort('enough');
    await expect(next).rejects.toBe('enough');
    expect(reasons).toEqual(['enough']);
  });
});
