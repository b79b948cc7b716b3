/** What a platform calls an error: a number, as WeChat and WeCom do, or a word, as OAuth 2 does. */
export type Errcode = number | string;

/** WeChat and WeCom: not the newest, expired, no token at all. OAuth 2 (RFC 6750): all of that. */
export const DEAD_TOKEN_ERRCODES: readonly Errcode[] = [40001, 42001, 40014, 'invalid_token'];

export interface ErrcodeReading {
  /** By which the platform says that the token is dead. */
  readonly deadTokenErrcodes: readonly Errcode[];
  /** Asked first; undefined for what it does not know. */
  readonly errcodeOf?: ((outcome: unknown) => Errcode | undefined) | undefined;
}

/** The platform's errors are a tenth of it. */
const MAX_ERROR = 2048;
/** Of errors that are each the cause of the one before. */
const MAX_CHAIN = 10;
/** RFC 6750 section 3: `WWW-Authenticate: Bearer error="invalid_token"`. */
const BEARER_ERROR = /\bBearer\b.*\berror="?([\w.-]{1,64})/i;

/**
 * The errcode in an answer or error by which the platform says that the token is dead, in any form in which it usually
 * comes: the parsed body, its text or bytes, an HTTP answer around it, an error around that. Leaves a `Response` readable.
 * Never rejects: what cannot be read must not fail a call that may have succeeded.
 */
export async function deadTokenErrcode(
  outcome: unknown,
  { deadTokenErrcodes, errcodeOf: own }: ErrcodeReading,
): Promise<Errcode | undefined> {
  const isDead = (code: Errcode | undefined): boolean =>
    code !== undefined && deadTokenErrcodes.includes(code);
  const found = ownErrcode(outcome, own) ?? (await errcodeOf(outcome, isDead).catch(() => undefined));
  return isDead(found) ? found : undefined;
}

type IsDead = (code: Errcode | undefined) => boolean;

function ownErrcode(outcome: unknown, own: ErrcodeReading['errcodeOf']): Errcode | undefined {
  try {
    return codeOf(own?.(outcome));
  } catch {
    return undefined;
  }
}

/** A number in quotes is a number. */
function codeOf(value: unknown): Errcode | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  return /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

async function errcodeOf(outcome: unknown, isDead: IsDead): Promise<Errcode | undefined> {
  if (outcome instanceof Error) return errcodeOfError(outcome, isDead);
  if (typeof outcome === 'string') return errcodeOfText(outcome);
  const bytes = bytesOf(outcome);
  if (bytes) return bytes.length > MAX_ERROR ? undefined : errcodeOfText(new TextDecoder().decode(bytes));
  if (!isObject(outcome)) return undefined;
  if (isResponse(outcome)) return (await errcodeOfResponse(outcome)) ?? bearerError(outcome.headers);
  const isHttpAnswer = 'headers' in outcome && ('data' in outcome || 'body' in outcome);
  if (!isHttpAnswer) return errcodeIn(outcome);
  return (await errcodeOf(outcome.data ?? outcome.body, isDead)) ?? bearerError(outcome.headers);
}

/** `errcode` is that of WeChat, `error` that of OAuth 2 (RFC 6749 section 5.2), which is data where it is no text. */
function errcodeIn({ errcode, error }: Readonly<Record<string, unknown>>): Errcode | undefined {
  return errcode === undefined ? codeOf(error) : codeOf(errcode);
}

/** Of the headers of `fetch`, or of a library that has them as an object. */
function bearerError(headers: unknown): string | undefined {
  if (!isObject(headers)) return undefined;
  const name = 'www-authenticate';
  const said = typeof headers.get === 'function' ? (headers as unknown as Headers).get(name) : headers[name];
  return typeof said === 'string' ? BEARER_ERROR.exec(said.slice(0, MAX_ERROR))?.[1] : undefined;
}

/** SDKs put the errcode into `errcode`, `code` or `error`; HTTP clients put the answer into `response`, `data` or `body`. */
async function errcodeOfError(error: Error, isDead: IsDead, depth = 0): Promise<Errcode | undefined> {
  const { errcode, code, error: word, response, data, body } = error as Error & Record<string, unknown>;
  if (errcode !== undefined) return codeOf(errcode);
  const own = [code, word].map(codeOf).find(isDead);
  if (own !== undefined) return own;
  for (const inside of [response, data, body]) {
    const found = inside instanceof Error ? undefined : await errcodeOf(inside, isDead);
    if (found !== undefined) return found;
  }
  const { cause } = error;
  return cause instanceof Error && depth < MAX_CHAIN ? errcodeOfError(cause, isDead, depth + 1) : undefined;
}

function errcodeOfText(text: string): Errcode | undefined {
  if (text.length > MAX_ERROR || !/^\s*\{/.test(text)) return undefined;
  try {
    return errcodeIn(JSON.parse(text) as Record<string, unknown>);
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
async function errcodeOfResponse(response: Response): Promise<Errcode | undefined> {
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
