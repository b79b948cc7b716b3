/*
 * Schemas of answers, as OpenAPI 3.0 has them, from which the types of the answers are derived: an answer that does not fit its schema does
 * not compile. They are plain objects, so that no OpenAPI library is loaded at the start.
 */

/** The type of what a schema describes. */
export type FromSchema<S> = S extends { readonly nullable: true } ? Described<S> | null : Described<S>;

type Described<S> = S extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : S extends { readonly oneOf: readonly (infer Either)[] }
    ? FromSchema<Either>
    : S extends { readonly properties: infer P }
      ? { readonly [Key in keyof P]: FromSchema<P[Key]> }
      : S extends { readonly type: 'integer' }
        ? number
        : S extends { readonly type: 'boolean' }
          ? boolean
          : string;

/** An object with all of these fields. */
export function object<const P extends Readonly<Record<string, object>>>(properties: P) {
  return { type: 'object', required: Object.keys(properties), properties } as const;
}

/** One of some words. */
export function oneOf<const Word extends string>(...words: readonly Word[]) {
  return { type: 'string' as const, enum: [...words] };
}

export const text = { type: 'string' } as const;
export const integer = { type: 'integer' } as const;
export const time = { type: 'string', format: 'date-time' } as const;
export const alias = { type: 'string', description: 'Alias of the app.' } as const;
export const cacheMaxAge = {
  type: 'integer',
  maximum: 60,
  description: 'Seconds to keep it without asking again.',
} as const;

/** A number or a word, as the platform has it. */
export const errorCode = {
  oneOf: [integer, { type: 'string', pattern: '^[A-Za-z][\\w.:-]{0,63}$' } as const],
};
