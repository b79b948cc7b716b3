import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Metrics } from '../../src/observability/metrics.js';

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface AlertTest {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const { groups } = parse(read('helm/access-token-broker/files/rules.yaml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, name: rule.alert }]));
const names = [...new Set(alerts.map(({ name }) => name))];
const dashboardText = read('helm/access-token-broker/files/dashboard.json');
const dashboard: { panels: Panel[]; templating: { list: { name: string; definition?: string }[] } } =
  JSON.parse(dashboardText);

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** The names of series in an expression, without what belongs to labels and functions. */
function seriesIn(expression: string): string[] {
  const bare = expression.replace(/"[^"]*"/g, '""');
  return bare.match(/\b(?:\w+:)?(?:tokenbroker|process|nodejs)_\w+(?::\w+)?/g) ?? [];
}

async function known(): Promise<Set<string>> {
  const text = String(await new Metrics('0.0.0', new Map()).render());
  const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  return new Set([
    ...families.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
    ...rules.flatMap(({ record }) => record ?? []),
  ]);
}

describe('rules', () => {
  it('use no series but those of the broker and their own', async () => {
    const used = rules.flatMap(({ expr }) => seriesIn(expr));
    expect(used.length).toBeGreaterThan(rules.length);
    const series = await known();
    expect(used.filter((name) => !series.has(name))).toEqual([]);
  });

  it.each(alerts)('$name says how bad it is, what it means, what to do and where to read on', (alert) => {
    expect(alert.labels?.severity).toMatch(/^(critical|warning)$/);
    expect(Object.keys(alert.annotations ?? {})).toEqual(['summary', 'description', 'runbook_url']);
    expect(alert.annotations?.runbook_url).toBe(`docs/runbook.md#${alert.name.toLowerCase()}`);
  });

  it('mention no alert that does not exist', () => {
    const inhibitors = rules.flatMap(({ expr }) =>
      [...expr.matchAll(/alertname=~?"([^"]+)"/g)].map(([, pattern = '']) => new RegExp(`^(?:${pattern})$`)),
    );
    expect(inhibitors.length).toBeGreaterThan(5);
    expect(inhibitors.filter((pattern) => !names.some((name) => pattern.test(name)))).toEqual([]);
  });

  it('are tested, each firing and each silent', () => {
    const file = parse(read('test/prometheus/alerts.test.yaml')) as {
      readonly tests: readonly { readonly alert_rule_test?: readonly AlertTest[] }[];
    };
    const tests = file.tests.flatMap(({ alert_rule_test: checks = [] }) => checks);
    const tested = (fires: boolean) =>
      new Set(tests.filter((test) => test.exp_alerts.length > 0 === fires).map((test) => test.alertname));
    expect(names.filter((name) => !tested(true).has(name))).toEqual([]);
    expect(names.filter((name) => !tested(false).has(name))).toEqual([]);
  });
});

it.each(['docs/runbook.md', 'docs/zh-CN/runbook.md'])(
  '%s has one section for each alert, and no other',
  (page) => {
    const headings = [...read(page).matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect([...headings].sort()).toEqual([...names].sort());
  },
);

describe('dashboard', () => {
  it('uses no series but those of the broker and of the rules', async () => {
    const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const variables = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
    const used = [...queries, ...variables].flatMap(seriesIn);
    const series = await known();
    expect(used.filter((name) => !series.has(name))).toEqual([]);
    expect(used.length).toBeGreaterThan(queries.length);
  });

  it('has a row each for apps, platform, callers, logins, the gateway, store and process', () => {
    const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows).toEqual(['Apps', 'Platform', 'Callers', 'Logins', 'Gateway', 'Store', 'Process']);
  });

  it('has an id of its own for each panel, and names no data source of anybody', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const sources = [...dashboardText.matchAll(/"uid": "([^"]*)"/g)].map(([, uid]) => uid);
    expect(new Set(sources)).toEqual(new Set(['${datasource}', '-- Grafana --', 'access-token-broker']));
  });
});
