import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform, type TransformCallback } from 'node:stream';
import { mayTakeLong } from '../common/answer-client-error.js';
import { HttpProblem } from '../common/problem.js';
import { countStreamed } from './streamed-bytes.js';

/** What is held in memory of a body; a longer one is streamed, or spooled to a file where its length is not known. */
const MAX_HELD_BYTES = 1024 * 1024;
const MAX_READ_BYTES = 64 * 1024;
/** A caller that sends nothing of its body for so long is cut off. */
const SILENCE_MS = 30_000;

/** The body of a call, as it is sent to a platform: always with its length, because WeChat answers 412 to chunked ones. */
export interface CallBody {
  /** Null: the call has no body. */
  readonly length: number | null;
  /** Whether it can be sent once more. */
  readonly isHeld: boolean;
  content(): Buffer | Readable | null;
  /** Gives up what is held. */
  close(): void;
}

const NONE: CallBody = { length: null, isHeld: true, content: () => null, close: () => undefined };

export interface CallBodyLimits {
  readonly maxBytes: number;
  readonly spoolDirectory: string | null;
}

/**
 * Takes the body of a request, or as much of it as is needed to send it on.
 *
 * @throws HttpProblem `payload_too_large`, `invalid_request`; an Error when the caller goes away
 */
export async function readCallBody(request: IncomingMessage, limits: CallBodyLimits): Promise<CallBody> {
  const { 'content-length': declared, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && declared === undefined) return NONE;
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'chunked') {
    throw new HttpProblem('invalid_request', 'Send the body with its length, or in chunks and as it is.');
  }
  endWhenSilent(request);
  const length = encoding === undefined ? Number(declared) : null;
  if (length === null) return spooled(request, limits);
  if (length > limits.maxBytes) throw tooLarge(limits);
  if (length <= MAX_HELD_BYTES) return inMemory(await all(request));
  let passing: Readable | null = null;
  return {
    length,
    get isHeld() {
      return passing === null;
    },
    content: () => {
      // Not the request itself: undici takes the socket away from it, and would end the connection of a refused caller.
      passing = request.pipe(new Transform({ transform: passOn }));
      // A platform that answers before it has read all of the body ends this one; a caller may read the answer only once it has sent the rest.
      return passing.once('close', () => request.resume());
    },
    // undici leaves one that it had no connection for as it is: the request would wait for its reader.
    close: () => passing?.destroy(),
  };
}

function passOn(chunk: Buffer, _encoding: string, done: TransformCallback): void {
  countStreamed(chunk.length);
  done(null, chunk);
}

function tooLarge({ maxBytes }: CallBodyLimits): HttpProblem {
  return new HttpProblem(
    'payload_too_large',
    `The body is larger than ${maxBytes} bytes, the maxBodyBytes of this client.`,
  );
}

/** The server's own time limit is for requests of a few kilobytes. */
function endWhenSilent(request: IncomingMessage): void {
  if (request.complete) return;
  const { socket } = request;
  mayTakeLong.add(socket);
  request.setTimeout(SILENCE_MS, () => {
    socket.destroy();
  });
  request.once('end', () => {
    mayTakeLong.delete(socket);
    socket.setTimeout(0);
  });
}

function inMemory(body: Buffer): CallBody {
  return { length: body.length, isHeld: true, content: () => body, close: () => undefined };
}

/** Unlike the request's own iterator, this one does not cut off a caller that is refused: it has to get the answer. */
function chunksOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

async function all(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(request)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads all of a body whose length nobody knows. */
async function spooled(request: IncomingMessage, limits: CallBodyLimits): Promise<CallBody> {
  const chunks: Buffer[] = [];
  let length = 0;
  let file: FileHandle | null = null;
  const directory = limits.spoolDirectory ?? tmpdir();
  const cannotSpool = (cause: unknown): never => {
    throw new Error(
      `bodies that come without their length cannot be kept in ${directory}: make room there, or name a directory that the broker may write to as gateway.spoolDirectory`,
      { cause },
    );
  };
  try {
    for await (const chunk of chunksOf(request)) {
      length += chunk.length;
      countStreamed(chunk.length);
      if (length > limits.maxBytes) throw tooLarge(limits);
      chunks.push(chunk);
      if (length <= MAX_HELD_BYTES) continue;
      file ??= await namelessFile(directory).catch(cannotSpool);
      await file.writev(chunks.splice(0)).catch(cannotSpool);
    }
  } catch (error) {
    await file?.close();
    throw error;
  }
  return file ? onDisk(file, length) : inMemory(Buffer.concat(chunks));
}

/** Its name is gone at once, so that nothing stays behind whatever happens to the process. */
async function namelessFile(directory: string): Promise<FileHandle> {
  const own = await mkdtemp(join(directory, 'tokenbroker-'));
  try {
    return await open(join(own, 'body'), 'wx+', 0o600);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

function onDisk(file: FileHandle, length: number): CallBody {
  const readers = new Set<Readable>();
  return {
    length,
    isHeld: true,
    content: () => {
      const reader = Readable.from(bytesOf(file, length), { objectMode: false });
      readers.add(reader);
      return reader;
    },
    close: () => {
      for (const reader of readers) reader.destroy();
      // Waits for a read that is under way.
      void file.close();
    },
  };
}

/** Unlike those of Node's own stream, its reader may be destroyed, as undici does, and the file stays open for the next one. */
async function* bytesOf(file: FileHandle, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < length;) {
    const buffer = Buffer.allocUnsafe(Math.min(MAX_READ_BYTES, length - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new Error('The file of the body is shorter than the body');
    at += bytesRead;
    countStreamed(bytesRead);
    yield buffer.subarray(0, bytesRead);
  }
}
