// Writes what is made of the classes of the configuration: docs/config.schema.json, the tables of docs/configure.md and the part of
// the chart that is about `config`: in values.schema.json, and which key of an app is its secret. Needs a build; `npm run schema` runs it.
import { readFileSync, writeFileSync } from 'node:fs';
import { Config, NAMED_LISTS } from '../dist/config/config.js';
import { keysOf, sectionsOf } from '../dist/config/keys.js';
import { ConfigReference, withDefinitions } from './config-reference.ts';

const reference = new ConfigReference({ Config, NAMED_LISTS, keysOf, sectionsOf });
const rewrite = (file, change) => writeFileSync(file, change(readFileSync(file, 'utf8')));
const json = (value) => JSON.stringify(value, null, 2);

rewrite('docs/config.schema.json', () => json(reference.schema()));
rewrite('docs/configure.md', (page) => reference.tables(page));
rewrite('helm/access-token-broker/files/secret-keys.json', () => json(reference.secretKeys()));
rewrite('helm/access-token-broker/values.schema.json', (text) =>
  json(withDefinitions(JSON.parse(text), reference.chartDefinitions())),
);
