import { useEffect, useState } from 'preact/hooks';
import type { HistoryEvent, HistoryKind } from '../api-types.ts';
import { sentenceOf } from '../components/event-sentence.ts';
import { ClockTime, Failed, Loading, Moment } from '../components/small.tsx';
import { shortDuration } from '../data/format.ts';
import { nowMs } from '../data/store.ts';
import { fittingRange, lanesOf, RANGES, type Range } from '../data/timeline.ts';
import { useHistory } from '../data/use-history.ts';
import { remedyText, t } from '../i18n/i18n.ts';

/** uPlot comes with it, which no other view needs. */
const loadChart = () => import('../components/timeline-chart.tsx');

const SHOWN_AT_FIRST = 15;
const SHOWN_MORE = 100;

export function AppHistory({ app, provider }: { app: string; provider: string }) {
  const texts = t.value.app;
  const { events, error, loadOlder, reload } = useHistory(app);
  const [chosenRange, setChosenRange] = useState<Range | null>(null);
  const range = chosenRange ?? fittingRange(events ?? [], nowMs.peek());
  return (
    <section class="card" aria-labelledby="timeline">
      <div class="card-head">
        <h2 id="timeline">{texts.timeline}</h2>
        {events && events.length > 0 && (
          <div class="chips" role="group" aria-label={texts.rangeLabel}>
            {(Object.keys(RANGES) as Range[]).map((one) => (
              <button
                key={one}
                type="button"
                class="chip"
                aria-pressed={one === range}
                onClick={() => {
                  setChosenRange(one);
                }}
              >
                {texts.range[one]}
              </button>
            ))}
          </div>
        )}
      </div>
      {events ? (
        events.length === 0 ? (
          <p class="muted">{texts.noEvents}</p>
        ) : (
          <>
            <Timeline events={events} range={range} />
            <Events events={events} provider={provider} loadOlder={loadOlder} />
          </>
        )
      ) : error ? (
        <Failed error={error} retry={reload} />
      ) : (
        <Loading />
      )}
    </section>
  );
}

function Timeline(props: { events: readonly HistoryEvent[]; range: Range }) {
  const [chart, setChart] = useState<Awaited<ReturnType<typeof loadChart>>>();
  useEffect(() => {
    void loadChart().then(setChart);
  }, []);
  return chart ? <chart.TimelineChart {...props} /> : <Loading />;
}

interface EventsProps {
  readonly events: readonly HistoryEvent[];
  readonly provider: string;
  readonly loadOlder: (() => void) | null;
}

function Events({ events, provider, loadOlder }: EventsProps) {
  const texts = t.value.app;
  const [kind, setKind] = useState<HistoryKind | ''>('');
  const [limit, setLimit] = useState(SHOWN_AT_FIRST);
  const kinds = [...new Set(lanesOf(events).map((lane) => lane.kind))];
  const wanted = kind === '' ? events : events.filter((event) => event.kind === kind);
  const more = () => {
    if (wanted.length <= limit) loadOlder?.();
    setLimit(limit + SHOWN_MORE);
  };
  return (
    <>
      <div class="card-head">
        <h3>{texts.events}</h3>
        <select
          aria-label={texts.kindFilter}
          value={kind}
          onChange={({ currentTarget: { value } }) => {
            setKind(kinds.find((one) => one === value) ?? '');
          }}
        >
          <option value="">{texts.allKinds}</option>
          {kinds.map((one) => (
            <option key={one} value={one}>
              {texts.kinds[one]}
            </option>
          ))}
        </select>
      </div>
      <ol class="events">
        {wanted.slice(0, limit).map((event) => (
          <Event key={event.id} event={event} provider={provider} />
        ))}
      </ol>
      {(wanted.length > limit || loadOlder) && (
        <button type="button" onClick={more}>
          {texts.older}
        </button>
      )}
    </>
  );
}

function Event({ event, provider }: { event: HistoryEvent; provider: string }) {
  const messages = t.value;
  const { kind, errcode, remedy, replica, duration_ms: ms } = event;
  return (
    <li class={`event event-${kind}`}>
      <span class="event-time">
        <ClockTime at={event.at} />
        <span class="muted small">
          <Moment at={event.at} />
        </span>
      </span>
      <span class="event-kind">{messages.app.kinds[kind]}</span>
      <span class="event-text">
        {sentenceOf(event, messages)}
        {remedy !== null && <span class="event-remedy">{remedyText(provider, errcode, remedy)}</span>}
        <span class="muted small">
          {messages.app.byReplica(replica, ms === null ? '' : shortDuration(ms, messages))}
        </span>
      </span>
    </li>
  );
}
