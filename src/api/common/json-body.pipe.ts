import { ValidationPipe, type ArgumentMetadata, type Type, type ValidationError } from '@nestjs/common';
import { HttpProblem } from './problem.js';

/** Caller's text is repeated only if it is plainly a field's name, without digits as secrets have them. */
const FIELD_NAME = /^[a-z_]{1,40}$/i;

/** Checks a JSON body against a class; a body that was left out counts as `{}`. Unknown fields are faults, not ignored. One that could not be read comes as the problem that says so. */
export class JsonBodyPipe extends ValidationPipe {
  constructor(shape: Type<object>) {
    super({
      expectedType: shape,
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      stopAtFirstError: true,
      exceptionFactory: (errors) => new HttpProblem('invalid_request', errors.map(sentence).join(' ')),
    });
  }

  override async transform(body: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (body instanceof HttpProblem) throw body;
    if (body === null || Array.isArray(body) || !['object', 'undefined'].includes(typeof body)) {
      throw new HttpProblem('invalid_request', 'The body must be a JSON object, or be left out.');
    }
    // The validator would find rules for these: it looks for a field's in an object that inherits them.
    const inherited = Object.keys(body ?? {}).find((field) => field in Object.prototype);
    if (inherited !== undefined) throw new HttpProblem('invalid_request', unknownField(inherited));
    return super.transform(body, metadata);
  }
}

function sentence({ property, value, constraints = {} }: ValidationError): string {
  if ('whitelistValidation' in constraints) return unknownField(property);
  if (value === undefined) return `The body lacks the field "${property}".`;
  return `In the body, ${Object.values(constraints).join(', ')}.`;
}

function unknownField(field: string): string {
  const name = FIELD_NAME.test(field) ? `"${field}"` : 'of some name';
  return `The body has a field ${name} that this route does not know: leave it out.`;
}

/** Far more than any body here has, and few enough for code that looks into one. */
const MAX_DEPTH = 20;

const TOO_DEEP = `The body is nested more than ${MAX_DEPTH} deep.`;
const NOT_JSON = 'The body is not JSON.';

export type ParsedJson = { readonly value: unknown } | { readonly fault: string };

/**
 * Parses JSON, and refuses what `JSON.parse` lets pass: deep nesting, and a key that an object has twice, of which each reader
 * takes another one. The fault is a sentence that quotes no value.
 */
export function parseJson(text: string): ParsedJson {
  const fault = structureFault(text);
  if (fault !== undefined) return { fault };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { fault: NOT_JSON };
  }
}

/** A string with what follows it, if that makes it a key; or one of the characters that structure is made of. */
const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|[[\]{}]/g;

/** Looks at strings and brackets alone, so of a text that is no JSON it may find none. */
function structureFault(text: string): string | undefined {
  /** The keys so far of each object or array that is open. */
  const open: Set<string>[] = [];
  for (const [token, string, colon] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      if (open.length === MAX_DEPTH) return TOO_DEEP;
      open.push(new Set());
    } else if (token === '}' || token === ']') {
      open.pop();
    } else if (string !== undefined && colon !== undefined) {
      const key = unescaped(string);
      const keys = open.at(-1);
      if (keys?.has(key)) return 'The body has an object with the same key twice.';
      keys?.add(key);
    }
  }
  return undefined;
}

function unescaped(string: string): string {
  try {
    return JSON.parse(string) as string;
  } catch {
    return string;
  }
}
