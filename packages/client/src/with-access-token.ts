import type { TokenClient } from './token-client.js';

/** Fits both kinds of decorators: the standard ones, and those of TypeScript's `experimentalDecorators`. */
export interface AccessTokenDecorator {
  <This, Work extends (this: This, ...args: never[]) => Promise<unknown>>(
    method: Work,
    context: ClassMethodDecoratorContext<This>,
  ): Work;
  <Work extends (...args: never[]) => Promise<unknown>>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<Work>,
  ): TypedPropertyDescriptor<Work> | undefined;
}

/** The token of the decorated method whose beginning runs at this moment. */
let current: string | undefined;

/**
 * The token of the decorated method that calls this, as a parameter's default or anywhere before its first `await`.
 *
 * @throws Error anywhere else
 */
export function accessToken(): string {
  if (current !== undefined) return current;
  throw new Error(
    'accessToken() has a token only in a method with @withAccessToken(), before its first await.',
  );
}

/**
 * Runs the method as `client.call()` does: once more, with a new token, when the platform refuses the first one.
 *
 * @param source the client, or how to find it from the instance; left out: the instance's property `tokenClient`
 */
export function withAccessToken(source?: TokenClient | ((self: never) => TokenClient)): AccessTokenDecorator {
  const around = (method: (...args: unknown[]) => Promise<unknown>) =>
    async function (this: object, ...args: unknown[]): Promise<unknown> {
      return clientOf(this, source).call((token) => {
        const outer = current;
        current = token;
        try {
          return method.apply(this, args);
        } finally {
          current = outer;
        }
      });
    };
  const decorate = (
    target: unknown,
    _context: unknown,
    descriptor?: TypedPropertyDescriptor<(...args: unknown[]) => Promise<unknown>>,
  ): unknown => {
    if (!descriptor) return around(target as Parameters<typeof around>[0]);
    if (descriptor.value) descriptor.value = around(descriptor.value);
    return undefined;
  };
  return decorate as AccessTokenDecorator;
}

function clientOf(
  self: object,
  source: TokenClient | ((self: never) => TokenClient) | undefined,
): TokenClient {
  if (typeof source === 'function') return source(self as never);
  const client = source ?? (self as { tokenClient?: TokenClient }).tokenClient;
  if (client) return client;
  throw new Error('@withAccessToken() found no client: give it one, or the instance a property tokenClient.');
}
