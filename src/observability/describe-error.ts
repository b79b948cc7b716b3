import { inspect } from 'node:util';

const MAX_MESSAGE_CHARACTERS = 2000;
const MAX_STACK_CHARACTERS = 8000;
const MAX_CAUSES = 5;

/** An error as a log line shows it. */
export interface DescribedError {
  readonly type?: string | undefined;
  readonly message: string;
  readonly code?: string | number | undefined;
  readonly stack?: string | undefined;
  readonly cause?: DescribedError | undefined;
}

/**
 * Name, message, code, stack and causes of whatever was thrown, each of bounded length. Nothing else that hangs on an
 * error is read: libraries attach requests with their headers. Never throws.
 */
export function describeError(thrown: unknown): DescribedError {
  try {
    return describe(thrown, MAX_CAUSES);
  } catch {
    return { message: 'something that cannot be described was thrown' };
  }
}

function describe(thrown: unknown, causes: number): DescribedError {
  if (!isErrorLike(thrown)) return { message: cut(textOf(thrown), MAX_MESSAGE_CHARACTERS) };
  const { name, message, code, stack, cause } = thrown;
  return {
    type: typeof name === 'string' ? cut(name, MAX_MESSAGE_CHARACTERS) : undefined,
    message: cut(typeof message === 'string' ? message : textOf(message), MAX_MESSAGE_CHARACTERS),
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    stack: typeof stack === 'string' ? cut(stack, MAX_STACK_CHARACTERS) : undefined,
    cause: cause === undefined || causes === 0 ? undefined : describe(cause, causes - 1),
  };
}

type ErrorLike = Readonly<Partial<Record<'name' | 'message' | 'code' | 'stack' | 'cause', unknown>>>;

/** An `Error`, also one of another realm, or an object with a message. */
function isErrorLike(thrown: unknown): thrown is ErrorLike {
  return thrown instanceof Error || (typeof thrown === 'object' && thrown !== null && 'message' in thrown);
}

/** Shallow, because what is thrown may hold anything. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Infinity });
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
