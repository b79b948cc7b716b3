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
