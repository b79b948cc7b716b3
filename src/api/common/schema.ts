/*
 * Schemas of answers, as OpenAPI 3.0 has them, from which the types of the answers are derived: an answer that does not fit its schema does
 * not compile. They are plain objects, so that no OpenAPI library is loaded at the start. One with a `title` stands once in the document.
 */

/** The type of what a schema describes. */
export type FromSchema<S> = S extends { readonly nullable: true } ? Described<S> | null : Described<S>;

type Described<S> = S extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : S extends { readonly oneOf: readonly (infer Either)[] }
    ? FromSchema<Either>
    : S extends { readonly properties: infer P }
      ? Fields<P, S extends { readonly required: readonly (infer Key)[] } ? Key : never>
      : S extends { readonly type: 'array'; readonly items: infer Item }
        ? readonly FromSchema<Item>[]
        : S extends { readonly type: 'object' }
          ? object
          : S extends { readonly type: 'integer' }
            ? number
            : S extends { readonly type: 'boolean' }
              ? boolean
              : string;

type Fields<P, Required> = { readonly [Key in keyof P as Key & Required]: FromSchema<P[Key]> } & {
  readonly [Key in Exclude<keyof P, Required>]?: FromSchema<P[Key]> | undefined;
};

type Properties = Readonly<Record<string, object>>;

/** An object with all of these fields, and perhaps those. */
export function object<const P extends Properties, const O extends object = object>(
  properties: P,
  optional = {} as O,
) {
  const required = Object.keys(properties) as (keyof P)[];
  return { type: 'object', required, properties: { ...properties, ...optional } } as const;
}

/** One of some words. */
export function oneOf<const Word extends string>(...words: readonly Word[]) {
  return { type: 'string' as const, enum: [...words] };
}

export const text = { type: 'string' } as const;
export const boolean = { type: 'boolean' } as const;
export const integer = { type: 'integer' } as const;
export const time = { type: 'string', format: 'date-time' } as const;
export const alias = { type: 'string', description: 'Alias of the app.' } as const;
export const cacheMaxAge = {
  type: 'integer',
  maximum: 60,
  description: 'Seconds to keep it without asking again.',
} as const;

/** The platform's own fields, as it sends them. */
export const anyObject = { type: 'object', additionalProperties: true } as const;

/** A number or a word, as the platform has it. */
export const errorCode = {
  oneOf: [integer, { type: 'string', pattern: '^[A-Za-z][\\w.:-]{0,63}$' } as const],
};

/** The last moment that RFC 3339 can write: its years have four digits. */
const MAX_EPOCH_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** RFC 3339 in UTC, from milliseconds since the Unix epoch. Never throws: a time beyond the years 1970 to 9999 is shown as the nearest of them. */
export function rfc3339(epochMs: number): string {
  const inRange = Number.isNaN(epochMs) ? 0 : Math.min(Math.max(epochMs, 0), MAX_EPOCH_MS);
  return new Date(inRange).toISOString();
}

export function rfc3339OrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : rfc3339(epochMs);
}
