import { useEffect } from 'preact/hooks';
import type { SystemView as System } from '../api-types.ts';
import { Empty, Failed, Flag, Loading, Moment, Problem } from '../components/small.tsx';
import { useLoaded } from '../components/use-loaded.ts';
import { api } from '../data/api.ts';
import { duration, shortDuration } from '../data/format.ts';
import { nowMs, system, takeSystem } from '../data/store.ts';
import { faultText, remedyText, t } from '../i18n/i18n.ts';

const EVERY_MS = 5000;

export function SystemView() {
  const texts = t.value.system;
  const { data, error, reload } = useLoaded('system', api.system, EVERY_MS);
  useEffect(() => {
    if (data) takeSystem(data);
  }, [data]);
  const view = system.value;
  return (
    <>
      <div class="view-head">
        <h1>{texts.title}</h1>
      </div>
      {view ? (
        <div class="grid">
          <Replicas view={view} />
          <Store store={view.store} />
          <Configuration config={view.config} />
          <Platforms view={view} />
        </div>
      ) : error ? (
        <Failed error={error} retry={reload} />
      ) : (
        <Loading />
      )}
    </>
  );
}

const shortHash = (sha256: string | null) => sha256?.slice(0, 12) ?? t.value.none;

function Replicas({ view }: { view: System }) {
  const texts = t.value.system;
  return (
    <section class="card wide" aria-labelledby="replicas">
      <h2 id="replicas">{texts.replicas}</h2>
      <table class="sheet">
        <thead>
          <tr>
            <th scope="col">{texts.replica}</th>
            <th scope="col">{texts.status}</th>
            <th scope="col">{texts.version}</th>
            <th scope="col">{texts.started}</th>
            <th scope="col">{texts.seen}</th>
            <th scope="col" class="figure">
              {texts.lag}
            </th>
            <th scope="col">{texts.config}</th>
          </tr>
        </thead>
        <tbody>
          {view.replicas.map((replica) => (
            <tr key={replica.id}>
              <th scope="row">
                <code>{replica.id}</code>
                {replica.id === view.replica && <span class="muted small"> {texts.here}</span>}
              </th>
              <td data-label={texts.status}>
                <Flag isGood={!replica.is_gone}>{replica.is_gone ? texts.gone : texts.up}</Flag>
              </td>
              <td data-label={texts.version}>{replica.version}</td>
              <td data-label={texts.started}>
                <Moment at={replica.started_at} />
              </td>
              <td data-label={texts.seen}>
                <Moment at={replica.seen_at} />
              </td>
              <td data-label={texts.lag} class="figure">
                {replica.lag_ms === null ? t.value.none : shortDuration(replica.lag_ms, t.value)}
              </td>
              <td data-label={texts.config}>
                <code class={replica.config_sha256 === view.config.sha256 ? '' : 'warn'}>
                  {shortHash(replica.config_sha256)}
                </code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Store({ store }: { store: System['store'] }) {
  const texts = t.value.system;
  const since =
    store.since === null ? '' : texts.since(duration(nowMs.value - Date.parse(store.since), t.value));
  return (
    <section class="card" aria-labelledby="store">
      <h2 id="store">{texts.store}</h2>
      <p class="headline">
        {store.kind === 'redis' ? texts.redis : texts.memory}{' '}
        <Flag isGood={store.ok}>{store.ok ? texts.storeOk : texts.storeBad}</Flag>{' '}
        <span class="muted">{since}</span>
      </p>
      {!store.ok && (
        <Problem
          what={store.message ?? texts.storeBad}
          todo={store.remedy === null ? '' : remedyText(null, null, store.remedy)}
          at={null}
        />
      )}
      {store.kind === 'memory' && <p class="muted">{texts.memoryHint}</p>}
    </section>
  );
}

function Configuration({ config }: { config: System['config'] }) {
  const texts = t.value.system;
  return (
    <section class="card" aria-labelledby="config">
      <h2 id="config">{texts.config}</h2>
      <p class="headline">
        <Flag isGood={config.ok}>{config.ok ? texts.good : texts.faulty}</Flag>
      </p>
      <dl class="facts">
        <dt>{texts.loaded}</dt>
        <dd>
          <Moment at={config.loaded_at} />
        </dd>
        <dt>{texts.hash}</dt>
        <dd>
          <code title={config.sha256 ?? ''}>{shortHash(config.sha256)}</code>
        </dd>
      </dl>
      <Lines title={texts.faults} lines={config.faults.map(faultText)} />
      <Lines title={texts.restart} lines={config.restart_required} />
    </section>
  );
}

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul class="lines">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );
}

function Platforms({ view: { platforms, replicas } }: { view: System }) {
  const texts = t.value.system;
  const living = replicas.filter(({ is_gone }) => !is_gone).length;
  const reach = ({ ok, unreachable_from: from }: System['platforms'][number]): string => {
    if (ok) return texts.reachable;
    return from.length < living ? texts.partlyReachable : texts.unreachable;
  };
  return (
    <section class="card wide" aria-labelledby="platforms">
      <h2 id="platforms">{texts.platforms}</h2>
      {platforms.length === 0 ? (
        <Empty>
          <p>{texts.noPlatforms}</p>
        </Empty>
      ) : (
        <table class="sheet">
          <thead>
            <tr>
              <th scope="col">{texts.host}</th>
              <th scope="col">{texts.status}</th>
              <th scope="col">{t.value.apps.title}</th>
              <th scope="col">{texts.lastAnswer}</th>
            </tr>
          </thead>
          <tbody>
            {platforms.map((platform) => (
              <tr key={platform.host}>
                <th scope="row">
                  <code>{platform.host}</code>
                  {!platform.ok && (
                    <Problem
                      what={`${texts.unreachableFrom(platform.unreachable_from)}${platform.message === null ? '' : `${t.value.colon}${platform.message}`}`}
                      todo={platform.remedy === null ? '' : remedyText(null, null, platform.remedy)}
                      at={null}
                    />
                  )}
                </th>
                <td data-label={texts.status}>
                  <Flag isGood={platform.ok}>{reach(platform)}</Flag>
                </td>
                <td data-label={t.value.apps.title} class={platform.failing_apps > 0 ? 'warn' : ''}>
                  {texts.appsOf(platform.apps, platform.failing_apps)}
                </td>
                <td data-label={texts.lastAnswer}>
                  <Moment at={platform.last_answer_at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
