/** The object that the text holds, or null if it holds anything else. Tolerates a byte order mark. Never throws. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text.trim());
    return isObject(value) ? value : null;
  } catch {
    return null; // The error would quote the text.
  }
}

/** A number of a platform's answer. Gateways turn numbers into text: digits are the number that they spell. */
export function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
