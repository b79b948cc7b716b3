// Writes the JSON Schema of the configuration file. Needs a build.
//   node ci/config-schema.mjs > docs/config.schema.json
import { configSchema } from '../dist/config/json-schema.js';

console.log(JSON.stringify(configSchema(), null, 2));
