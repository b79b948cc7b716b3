import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { HistoryEvent } from '../api-types.ts';
import { sentenceOf } from './event-sentence.ts';
import { clock } from '../data/format.ts';
import { nowMs } from '../data/store.ts';
import { isDark } from '../data/theme.ts';
import { lanesOf, RANGES, type Lane, type Range } from '../data/timeline.ts';
import { t } from '../i18n/i18n.ts';

const LANE_HEIGHT = 28;
const AXIS_HEIGHT = 36;

const COLOUR: Readonly<Record<HistoryEvent['kind'], string>> = {
  rotated: '--accent',
  forced: '--accent',
  healed: '--good',
  probed: '--muted',
  reported: '--warn',
  suspected: '--warn',
  died_early: '--bad',
  fetch_failed: '--bad',
};

const labelOf = ({ kind, errcode }: Lane) => `${t.value.app.kinds[kind]} ${errcode ?? ''}`.trim();

/** All times of all lanes, and for each lane its own height at those that it has. */
function dataOf(lanes: readonly Lane[]): { data: uPlot.AlignedData; times: number[] } {
  const times = [
    ...new Set(lanes.flatMap(({ events }) => events.map(({ at }) => Date.parse(at) / 1000))),
  ].sort((a, b) => a - b);
  const indexes = new Map(times.map((time, index) => [time, index]));
  const heights = lanes.map(({ events }, lane) => {
    const own: (number | null)[] = times.map(() => null);
    for (const { at } of events) own[indexes.get(Date.parse(at) / 1000) ?? -1] = lanes.length - lane;
    return own;
  });
  return { data: [times, ...heights], times };
}

interface Props {
  readonly events: readonly HistoryEvent[];
  readonly range: Range;
}

/** Each event as a point on the lane of its kind. The list below it says the same in words. */
export function TimelineChart({ events, range }: Props) {
  const holder = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<HistoryEvent | null>(null);
  const lanes = lanesOf(events);
  const messages = t.value;
  const dark = isDark.value;

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const font = `12px ${getComputedStyle(document.body).fontFamily}`;
    const { data } = dataOf(lanes);
    const endS = nowMs.peek() / 1000;
    const beginS = endS - RANGES[range] / 1000;
    const axis = { font, stroke: colour('--muted'), ticks: { show: false } };
    const longest = Math.max(...lanes.map((lane) => widthOf(labelOf(lane), font)));
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: lanes.length * LANE_HEIGHT + AXIS_HEIGHT,
        padding: [0, 12, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false } },
        scales: { x: { min: beginS, max: endS }, y: { range: [0.5, lanes.length + 0.5] } },
        axes: [
          {
            ...axis,
            size: AXIS_HEIGHT,
            space: 80,
            grid: { stroke: colour('--line'), width: 1 },
            values: (_, splits) => splits.map((split) => axisTime(split, range, messages.locale)),
          },
          {
            ...axis,
            size: longest + 16,
            splits: () => lanes.map((_, lane) => lanes.length - lane),
            values: () => lanes.map(labelOf),
            grid: { stroke: colour('--line'), width: 1 },
          },
        ],
        series: [
          {},
          ...lanes.map(({ kind }) => ({
            paths: () => null,
            points: {
              show: true,
              size: 9,
              width: 0,
              fill: colour(COLOUR[kind]),
              stroke: colour(COLOUR[kind]),
            },
          })),
        ],
        hooks: {
          setCursor: [
            ({ cursor: { idx } }) => {
              const time = idx == null ? undefined : data[0][idx];
              setPointed(
                lanes.flatMap((lane) => lane.events).find(({ at }) => Date.parse(at) / 1000 === time) ?? null,
              );
            },
          ],
        },
      },
      data,
      element,
    );
    const observer = new ResizeObserver(() => {
      chart.setSize({ width: element.clientWidth, height: chart.height });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
    // Drawn anew for other events, another language, theme or range.
  }, [events, range, messages, dark]);

  const summary = lanes.map((lane) => `${labelOf(lane)}: ${lane.events.length}`).join(', ');
  return (
    <figure class="timeline">
      <div ref={holder} role="img" aria-label={messages.app.chart(summary)} />
      <figcaption class="muted small">
        {pointed
          ? `${clock(pointed.at, nowMs.value, messages)} · ${messages.app.kinds[pointed.kind]} · ${sentenceOf(pointed, messages)}`
          : messages.app.chartHint}
      </figcaption>
    </figure>
  );
}

function widthOf(text: string, font: string): number {
  const pen = document.createElement('canvas').getContext('2d');
  if (!pen) return 0;
  pen.font = font;
  return pen.measureText(text).width;
}

function axisTime(seconds: number, range: Range, locale: string): string {
  const date = new Date(seconds * 1000);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  return isMidnight && range !== '1h'
    ? date.toLocaleDateString(locale, { month: 'short', day: 'numeric' })
    : date.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}
