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
