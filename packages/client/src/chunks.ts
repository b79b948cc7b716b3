/**
 * The chunks of an answer's body, until its end. Listens to the signal itself: in Node.js 20 and 22 `fetch` forgets its
 * signal at the first garbage collection after the headers came.
 *
 * @throws whatever reading throws, or the signal's reason
 */
export async function* chunksOf(
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
