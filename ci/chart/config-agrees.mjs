// The chart and the server never drift apart: the schema of `config` has exactly the keys that the server knows, and the
// server's own loader takes each configuration file that the chart renders. Needs a build.
//   node ci/chart/config-agrees.mjs helm/access-token-broker/values.schema.json rendered/*.yaml
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import { getMetadataStorage } from 'class-validator';
import { parse, parseAllDocuments } from 'yaml';
import { ConfigFile } from '../../dist/config/sections/config-file.section.js';
import { loadAsServer } from './server-config.mjs';

const [schemaFile, ...renderedFiles] = process.argv.slice(2);
const schema = JSON.parse(readFileSync(schemaFile, 'utf8'));
const faults = [];

function keysOfServer(section, path = '') {
  const properties = getMetadataStorage().getTargetValidationMetadatas(section, '', true, false);
  return [...new Set(properties.map(({ propertyName }) => propertyName))].flatMap((name) => {
    const nested = defaultMetadataStorage.findTypeMetadata(section, name)?.typeFunction();
    return [path + name, ...(nested ? keysOfServer(nested, `${path}${name}.`) : [])];
  });
}

function keysOfSchema(node, path = '') {
  const { $ref, properties = {}, items, anyOf = [], allOf = [] } = node;
  if ($ref === '#/definitions/secretSource') return [];
  if ($ref) return keysOfSchema(schema.definitions[basename($ref)], path);
  return [
    ...Object.entries(properties).flatMap(([name, value]) => [
      path + name,
      ...keysOfSchema(value, `${path}${name}.`),
    ]),
    ...(items ? keysOfSchema(items, path) : []),
    ...[...anyOf, ...allOf].flatMap((one) => keysOfSchema(one, path)),
  ];
}

const server = new Set(keysOfServer(ConfigFile));
const chart = new Set(keysOfSchema(schema.definitions.config));
for (const key of server.difference(chart)) faults.push(`${schemaFile}: config has no key ${key}`);
for (const key of chart.difference(server))
  faults.push(`${schemaFile}: the server knows no key config.${key}`);

for (const file of renderedFiles) {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS());
  const text = documents.find((each) => each?.kind === 'ConfigMap' && each.data['broker.yaml']).data[
    'broker.yaml'
  ];
  try {
    const { apps, clients, redis } = loadAsServer(parse(text));
    console.log(
      `${basename(file, '.yaml').padEnd(12)} loaded by the server: ${apps.length} apps, ${clients.length} callers, ${redis?.server.kind ?? 'memory'}`,
    );
  } catch (error) {
    faults.push(`${file}: ${error.message}`);
  }
}

for (const fault of faults) console.error(fault);
console.log(`values.schema.json has the ${server.size} keys of the server's configuration`);
process.exitCode = faults.length > 0 ? 1 : 0;
