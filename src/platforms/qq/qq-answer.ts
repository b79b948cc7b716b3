import { parseJsonObject, type JsonObject } from '../../core/json-object.js';

/**
 * QQ answers in three forms, whatever the content type says: JSON with `fmt=json`, a form without it, and an error as
 * JavaScript, `callback( {"error":100019,…} );`, even where a success is a form. Null for anything else.
 */
export function parseQqAnswer(body: string): JsonObject | null {
  const text = body.trim();
  const [, inCallback] = /^callback\s*\(([^]*)\)\s*;?$/.exec(text) ?? [];
  if (inCallback !== undefined) return parseJsonObject(inCallback);
  if (text.startsWith('{')) return parseJsonObject(text);
  return /^[\w.-]+=/.test(text) ? Object.fromEntries(new URLSearchParams(text)) : null;
}
