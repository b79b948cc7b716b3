import { Check, Optional } from '../constraints.js';
import { isMapping } from '../mapping.js';
import { parseUrl } from '../parse-url.js';
import { problem, shapeProblem } from '../problem.js';
import { ReadFault } from '../read-fault.js';
import { Secret } from '../secret.js';

/** The names of headers that HTTP allows and people use. */
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;
const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

export class TracingSection {
  @Check(checkEndpoint)
  endpoint!: string;

  @Check((value) =>
    typeof value === 'number' && value >= 0 && value <= 1
      ? undefined
      : problem('a number from 0 to 1', value),
  )
  sampleRatio = 0.1;

  @Optional()
  @Check(checkHeaders)
  headers?: Record<string, Secret>;
}

// Never shown: people put keys into URLs.
function checkEndpoint(value: unknown): string | undefined {
  const url = parseUrl(value);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    return 'must be the URL to which a collector takes OTLP over HTTP, such as http://collector:4318/v1/traces';
  }
  const extra = url.username + url.password + url.search + url.hash;
  return extra === '' ? undefined : 'must be a URL without user, password, query and fragment; use headers';
}

function checkHeaders(value: unknown): string | string[] | undefined {
  if (!isMapping(value)) return shapeProblem('a mapping (header: where its value is)', value);
  return Object.entries(value).flatMap(([name, header]) => {
    if (!HEADER_NAME.test(name)) return ['has a key that is no name of a header'];
    if (header instanceof ReadFault) return [`.${name}: ${header.text}`];
    if (header instanceof Secret && HEADER_VALUE.test(header.value())) return [];
    return [`.${name}: must be visible ASCII characters on one line`];
  });
}
