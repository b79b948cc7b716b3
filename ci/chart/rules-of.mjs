// The rules of a rendered PrometheusRule as a file for promtool, once each name of a series in them has a selector: a release looks
// at its own series alone.
//   node ci/chart/rules-of.mjs rendered.yaml > rules.yaml
import { readFileSync } from 'node:fs';
import { parseAllDocuments, stringify } from 'yaml';

const documents = parseAllDocuments(readFileSync(process.argv[2], 'utf8')).map((document) => document.toJS());
const { spec } = documents.find((each) => each?.kind === 'PrometheusRule');

/** What is left of an expression without its texts, selected series, ranges, label lists, functions, words and numbers. */
const unselected = (expression) =>
  expression
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/[\w:]+\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
    .replaceAll(/\w+(?=\s*\()/g, '')
    .match(/[a-z_:][\w:]*/gi)
    ?.filter((name) => !['and', 'or', 'unless', 'bool', 'offset', 'e'].includes(name)) ?? [];

for (const { alert, record, expr } of spec.groups.flatMap(({ rules }) => rules)) {
  const names = unselected(expr);
  if (names.length === 0) continue;
  console.error(`${alert ?? record}: ${names.join(', ')}: of any release; see access-token-broker.ownSeries`);
  process.exitCode = 1;
}
console.log(stringify(spec));
