const MAX_CHARACTERS = 200;
/** Less than RFC 6749 5.2 allows: nothing that character references and percent encodings are written with. */
const ALLOWED = /^[\w .,:;'()/@!?=-]+$/;
/** So much of a secret in a row is no chance. */
const PART = 6;

/**
 * The server's `error_description` if it can be shown: plain ASCII, not too long, and without any part of the request's
 * secrets in a form in which they are sent or may come back. Else an empty text.
 */
export function safeDescription(description: unknown, secrets: readonly string[]): string {
  if (typeof description !== 'string' || !ALLOWED.test(description)) return '';
  const text = description.toLowerCase();
  const holdsSecret = secrets
    .flatMap(formsOf)
    .some((form) => partsOf(form.toLowerCase()).some((part) => text.includes(part)));
  if (holdsSecret) return '';
  return description.length <= MAX_CHARACTERS ? description : `${description.slice(0, MAX_CHARACTERS)}…`;
}

/** Base64 at each of the three offsets that a secret can have in it. */
function formsOf(secret: string): string[] {
  const base64 = ['', '.', '..'].map((prefix) =>
    Buffer.from(prefix + secret)
      .toString('base64')
      .slice(prefix === '' ? 0 : 4)
      .replace(/.{0,2}=*$/, ''),
  );
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams([['', secret]]).toString().slice(1),
    Buffer.from(secret).toString('hex'),
    ...base64,
  ];
}

function partsOf(form: string): string[] {
  if (form.length <= PART) return form === '' ? [] : [form];
  return Array.from({ length: form.length - PART + 1 }, (_, start) => form.slice(start, start + PART));
}
