/** An object as JSON has it, whose fields nobody has looked at yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for neither a list nor null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object that the text holds, or null if it holds anything else. Tolerates a byte order mark. Never throws. */
export function parseJsonObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text.trim());
    return isObject(value) ? value : null;
  } catch {
    return null; // The error would quote the text.
  }
}
