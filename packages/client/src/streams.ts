/** A `token` event is a tenth of it. */
const MAX_EVENT = 64 * 1024;

/**
 * The chunks of an answer's body, until its end. Listens to the signal itself: in Node.js 20 and 22 `fetch` forgets its
 * signal at the first garbage collection after the headers came.
 *
 * @throws whatever reading throws, or the signal's reason
 */
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = body.getReader();
  const cancel = (): void => {
    reader.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener('abort', cancel);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

/** Null for what is no JSON. Throws as `chunksOf` does. */
export async function jsonOf({ body }: Response, signal: AbortSignal): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = '';
  if (body) for await (const chunk of chunksOf(body, signal)) text += decoder.decode(chunk, { stream: true });
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * The data of each event, as it comes; `onBytes` is called for comments, too. Ends when the stream ends cleanly.
 *
 * @throws whatever reading throws, when the stream is cut or aborted
 */
export async function* eventData(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  onBytes: () => void,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunksOf(body, signal)) {
    onBytes();
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? '';
    if (rest.length > MAX_EVENT) throw new Error('The event stream is no event stream.');
    for (const block of blocks) {
      const data = dataOf(block);
      if (data !== '') yield data;
    }
  }
}

function dataOf(block: string): string {
  const lines = block.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  return lines.map((line) => line.slice('data:'.length).trim()).join('\n');
}
