/**
 * Text of somebody else on one line that is safe to log and to answer with: without control and format characters and
 * lone surrogates, and bounded.
 *
 * @param text anything; what is not a string becomes empty
 */
export function readableText(text: unknown, maxCharacters: number): string {
  if (typeof text !== 'string') return '';
  // Cut first: a text of megabytes is not worth a walk.
  const shown = text.slice(0, 8 * maxCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '');
  return Array.from(shown).slice(0, maxCharacters).join('');
}
