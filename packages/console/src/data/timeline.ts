import type { HistoryEvent, HistoryKind } from '../api-types.ts';

/** A line of the timeline: one kind of event, and of failures one errcode. */
export interface Lane {
  readonly kind: HistoryKind;
  readonly errcode: string | null;
  readonly events: readonly HistoryEvent[];
}

const ORDER: readonly HistoryKind[] = [
  'rotated',
  'forced',
  'reported',
  'died_early',
  'fetch_failed',
  'suspected',
  'healed',
  'probed',
];

/** The lanes that have events, in a fixed order; the failures with the most common errcode first. */
export function lanesOf(events: readonly HistoryEvent[]): readonly Lane[] {
  return ORDER.flatMap((kind): readonly Lane[] => {
    const ofKind = events.filter((event) => event.kind === kind);
    if (ofKind.length === 0) return [];
    if (kind !== 'fetch_failed') return [{ kind, errcode: null, events: ofKind }];
    const codes = [...new Set(ofKind.map(codeOf))];
    const lanes = codes.map((code) => ({
      kind,
      errcode: code,
      events: ofKind.filter((event) => codeOf(event) === code),
    }));
    return lanes.sort((a, b) => b.events.length - a.events.length);
  });
}

const codeOf = ({ errcode }: HistoryEvent) => (errcode === null ? '' : String(errcode));

export const RANGES = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000 } as const;
export type Range = keyof typeof RANGES;

/** The shortest range that shows what there is. */
export function fittingRange(events: readonly HistoryEvent[], nowMs: number): Range {
  const oldest = events.at(-1);
  const ageMs = oldest ? nowMs - Date.parse(oldest.at) : RANGES['7d'];
  if (ageMs <= RANGES['1h']) return '1h';
  return ageMs <= RANGES['24h'] ? '24h' : '7d';
}
