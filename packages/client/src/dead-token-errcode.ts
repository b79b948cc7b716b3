/** What the platform answers when the access token is to blame: not the newest, expired, no token at all. */
const DEAD_TOKEN: ReadonlySet<number> = new Set([40001, 42001, 40014]);
/** The platform's errors are a tenth of it. */
const MAX_ERROR = 2048;
/** Of errors that are each the cause of the one before. */
const MAX_CHAIN = 10;

/**
 * The errcode in an answer or error by which the platform says that the token is dead, in any form in which it usually
 * comes: the parsed body, its text or bytes, an HTTP answer around it, an error around that. Leaves a `Response` readable.
 * Never rejects: what cannot be read must not fail a call that may have succeeded.
 */
export async function deadTokenErrcode(
  outcome: unknown,
  own?: (outcome: unknown) => number | undefined,
): Promise<number | undefined> {
  const errcode = ownErrcode(outcome, own) ?? (await errcodeOf(outcome).catch(() => undefined));
  return errcode !== undefined && DEAD_TOKEN.has(errcode) ? errcode : undefined;
}

function ownErrcode(outcome: unknown, own?: (outcome: unknown) => number | undefined): number | undefined {
  try {
    return own?.(outcome);
  } catch {
    return undefined;
  }
}

async function errcodeOf(outcome: unknown): Promise<number | undefined> {
  if (outcome instanceof Error) return errcodeOfError(outcome);
  if (typeof outcome === 'string') return errcodeOfText(outcome);
  const bytes = bytesOf(outcome);
  if (bytes) return bytes.length > MAX_ERROR ? undefined : errcodeOfText(new TextDecoder().decode(bytes));
  if (!isObject(outcome)) return undefined;
  if ('errcode' in outcome) return Number(outcome.errcode);
  if (isResponse(outcome)) return errcodeOfResponse(outcome);
  const isHttpAnswer = 'headers' in outcome && ('data' in outcome || 'body' in outcome);
  return isHttpAnswer ? errcodeOf(outcome.data ?? outcome.body) : undefined;
}

/** SDKs put the errcode into `errcode` or `code`; HTTP clients put the answer into `response`, `data` or `body`. */
async function errcodeOfError(error: Error, depth = 0): Promise<number | undefined> {
  const { errcode, code, response, data, body } = error as Error & Record<string, unknown>;
  if (errcode !== undefined) return Number(errcode);
  if (DEAD_TOKEN.has(Number(code))) return Number(code);
  for (const inside of [response, data, body]) {
    const found = inside instanceof Error ? undefined : await errcodeOf(inside);
    if (found !== undefined) return found;
  }
  const { cause } = error;
  return cause instanceof Error && depth < MAX_CHAIN ? errcodeOfError(cause, depth + 1) : undefined;
}

function errcodeOfText(text: string): number | undefined {
  if (text.length > MAX_ERROR || !/^\s*\{/.test(text)) return undefined;
  try {
    const { errcode } = JSON.parse(text) as { errcode?: unknown };
    return errcode === undefined ? undefined : Number(errcode);
  } catch {
    return undefined;
  }
}

function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Also that of another library than this runtime's own `fetch`. */
function isResponse(value: object): value is Response {
  const { clone, body } = value as Partial<Response>;
  return typeof clone === 'function' && typeof body?.getReader === 'function';
}

/** Reads a copy, and no more of it than an error has. */
async function errcodeOfResponse(response: Response): Promise<number | undefined> {
  const isText = /json|text/.test(response.headers.get('content-type') ?? '');
  const isLong = Number(response.headers.get('content-length') ?? 0) > MAX_ERROR;
  const body: ReadableStream<Uint8Array> | null =
    isText && !isLong && !response.bodyUsed ? response.clone().body : null;
  if (!body) return undefined;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return errcodeOfText(text);
    text += decoder.decode(value, { stream: true });
    if (text.length > MAX_ERROR) {
      void reader.cancel();
      return undefined;
    }
  }
}
