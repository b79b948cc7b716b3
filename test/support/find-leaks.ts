/** Shorter runs hold no secret worth finding. */
const BASE64_RUN = /[A-Za-z0-9+/_-]{16,}/g;

/**
 * The names of the secrets that stand in a text: as they are, quoted in JSON however deep, URL-encoded, or in base64 of
 * either alphabet, wherever in the encoded bytes they begin. A secret that is looked for has no backslash.
 */
export function findLeaks(text: string, secrets: Readonly<Record<string, string>>): string[] {
  const decoded = urlDecoded(text);
  const readings = [
    text,
    text.replaceAll('\\', ''),
    decoded,
    urlDecoded(text.replaceAll('+', ' ')),
    ...base64Decoded(text),
    ...base64Decoded(decoded),
  ];
  return Object.entries(secrets)
    .filter(([, secret]) => readings.some((reading) => reading.includes(secret)))
    .map(([name]) => name);
}

function urlDecoded(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

/** Every run of base64 characters, begun at each of the four places where a group of them may begin. */
function base64Decoded(text: string): string[] {
  const runs = text.match(BASE64_RUN) ?? [];
  return [0, 1, 2, 3].map((start) =>
    runs.map((run) => Buffer.from(run.slice(start), 'base64').toString('latin1')).join('\n'),
  );
}
