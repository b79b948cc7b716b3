import type { HistoryEvent } from '../api-types.ts';
import type { Messages } from '../i18n/en.ts';

const text = (value: string | number | null) => (value === null ? '' : String(value));

/** What happened, in one sentence. */
export function sentenceOf(
  event: HistoryEvent,
  { app: { event: say }, word, suspectReason }: Messages,
): string {
  const wordOf = (value: string | null) => (value === null ? '' : word(value));
  const code = text(event.errcode);
  switch (event.kind) {
    case 'rotated':
      return say.rotated(text(event.generation), text(event.fingerprint), wordOf(event.reason));
    case 'fetch_failed':
      return say.fetch_failed(code, text(event.message));
    case 'reported':
      return say.reported(text(event.caller), code, wordOf(event.result));
    case 'suspected':
      return say.suspected(event.reason === null ? '' : suspectReason(event.reason));
    case 'healed':
      return say.healed();
    case 'died_early':
      return say.died_early(text(event.message));
    case 'forced':
      // Of a person, in their own words.
      return say.forced(text(event.caller), text(event.reason), wordOf(event.result));
    case 'probed':
      return say.probed(wordOf(event.result), text(event.caller));
  }
}
