import { Check, List, Optional, Text, WholeNumber } from '../constraints.js';
import { API_KEY_PREFIX } from '../api-key.js';
import { SCOPES, type Scope } from '../config.js';
import { problem } from '../problem.js';
import { oddCharacter } from '../secret-text.js';
import { NAME, NAME_FORM } from './name.js';

export class ClientSection {
  @Text(NAME, NAME_FORM)
  name!: string;

  @List(checkHash, 'must list one or two hashes, the second while a key is being replaced', {
    max: 2,
    items: { type: 'string', pattern: '^[0-9a-fA-F]{64}$' },
  })
  keySha256!: string[];

  @Check(checkApps, { anyOf: [{ const: '*' }, { type: 'array', minItems: 1, items: { type: 'string' } }] })
  apps!: string[] | '*';

  @List(checkScope, `must list at least one of ${SCOPES.join(', ')}`, { items: { enum: [...SCOPES] } })
  scopes!: Scope[];

  /** Below 60 s some SDKs report an error, and others ask at each call. */
  @Optional()
  @WholeNumber(60, 7200)
  maxExpiresInSeconds?: number;
}

// Shows no value: the most likely mistake is the key itself.
function checkHash(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be text of 64 hex digits: put it in quotes';
  if (/^[0-9a-f]{64}$/i.test(value)) return undefined;
  if (value.startsWith(API_KEY_PREFIX)) {
    return 'this is the key itself; put its SHA-256 here and keep the key with the caller';
  }
  const odd = oddCharacter(value, /[0-9a-f]/i);
  const what = value !== '' && odd ? `: ${odd}` : ` and has ${value.length} characters`;
  return `must be a SHA-256 of 64 hex digits${what}; \`access-token-broker keygen\` prints a key with its hash`;
}

function checkApps(value: unknown): string | string[] | undefined {
  if (value === '*') return undefined;
  if (!Array.isArray(value) || value.length === 0)
    return problem('a list of names of apps, or "*" for all', value);
  return value.flatMap((entry: unknown, index) => {
    if (entry === '*') return [`[${index}]: for all apps write apps: "*", without a list`];
    return typeof entry === 'string' ? [] : [`[${index}]: ${problem('the name of an app', entry)}`];
  });
}

function checkScope(value: unknown): string | undefined {
  return SCOPES.some((scope) => scope === value) ? undefined : problem(`one of ${SCOPES.join(', ')}`, value);
}
