import { Check, Optional, secretFault, SecretTexts } from '../constraints.js';
import { isMapping } from '../mapping.js';
import { parseUrl } from '../parse-url.js';
import { isWordLike, problem, shapeProblem } from '../problem.js';
import type { Secret } from '../secret.js';
import { headerForm } from '../secret-forms.js';

/** The names of headers that HTTP allows and people use. */
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;

export class TracingSection {
  @Check(checkEndpoint, { type: 'string', pattern: '^https?://' })
  endpoint!: string;

  @Check(
    (value) =>
      typeof value === 'number' && value >= 0 && value <= 1
        ? undefined
        : problem('a number from 0 to 1', value),
    { type: 'number', minimum: 0, maximum: 1 },
  )
  sampleRatio = 0.1;

  @Optional()
  @SecretTexts(headerForm, checkHeaders)
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
    const fault = secretFault(header);
    return fault === undefined ? [] : [`.${isWordLike(name) ? name : '(a header not shown)'}: ${fault}`];
  });
}
