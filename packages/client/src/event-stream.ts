import { chunksOf } from './chunks.js';

/** A `token` event is a tenth of it. */
const LONGEST_EVENT = 64 * 1024;

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
    if (rest.length > LONGEST_EVENT) throw new Error('The event stream is no event stream.');
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
