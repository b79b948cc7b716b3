/** RFC 3339 in UTC, from milliseconds since the Unix epoch. */
export function rfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

export function rfc3339OrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : rfc3339(epochMs);
}
