// The server's own loader takes each configuration file that the chart renders. Needs a build.
//   node ci/chart/config-agrees.mjs rendered/*.yaml
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { loadAsServer } from './server-config.mjs';

const renderedFiles = process.argv.slice(2);
const faults = [];

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
process.exitCode = faults.length > 0 ? 1 : 0;
