/** The object that the text holds, or null if it holds anything else. Tolerates a byte order mark. Never throws. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text.trim());
    return isObject(value) ? value : null;
  } catch {
    return null; // The error would quote the text.
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
