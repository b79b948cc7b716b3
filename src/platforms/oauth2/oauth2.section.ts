import { hash } from 'node:crypto';
import { AppSection, type Conflict } from '../../config/app.section.js';
import { isWordLike, problem, shapeProblem } from '../../config/faults.js';
import { About, Check, OneOf, Optional, Section, SecretText, Seconds, Text, Url } from '../../config/keys.js';
import type { Secret } from '../../config/secret.js';
import { isInQuotes, oddCharacter } from '../../config/secret-text.js';
import { isMapping, isTrialHost, parseUrl } from '../../config/values.js';
import type { ClientAuthentication } from './oauth2.issuer.js';

const AUTHENTICATIONS = ['client_secret_basic', 'client_secret_post'] as const;
const ISSUANCES = ['independent', 'replaces', 'repeats', 'renews'] as const;
/** What a fetch does to the tokens before it, which RFC 6749 leaves open. */
export type Issuance = (typeof ISSUANCES)[number];

/** RFC 6749 appendix A: printable ASCII. */
const CLIENT_ID = /^[\x20-\x7e]{1,500}$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;
/** Parameters of the request that have keys of their own here. */
const OWN_PARAMETERS = ['grant_type', 'scope', 'client_id', 'client_secret'];
const MAX_PARAMETERS = 20;
const MAX_PARAMETER_CHARACTERS = 2000;
const MAX_LIFE_SECONDS = 30 * 24 * 3600;

/** Where calls go that pass through the broker. */
export class Oauth2GatewaySection {
  @About('of the API that takes the token: what [the gateway](gateway.md) puts before the path of a call')
  @Url('an http or https URL, such as https://api.example/v1')
  readonly baseUrl!: string;
}

/** A client of an OAuth 2 authorization server. */
export class Oauth2Section extends AppSection {
  readonly provider = 'oauth2';

  @About('the token endpoint of the server')
  @Check(checkTokenUrl, { type: 'string', pattern: '^https?://' })
  readonly tokenUrl!: string;

  @About('the client at that server')
  @Text(CLIENT_ID, 'the client_id from the server, printable ASCII')
  readonly clientId!: string;

  @About('its secret')
  @SecretText(clientSecretForm)
  readonly clientSecret!: Secret;

  @About('how the client shows its secret: in the header or in the body')
  @OneOf(AUTHENTICATIONS)
  readonly clientAuthentication: ClientAuthentication = 'client_secret_basic';

  @About('the scopes to ask for, with spaces between them', 'what the server gives')
  @Optional()
  @Text(SCOPE, 'one or more scopes with a space between them')
  readonly scope?: string;

  @About('more parameters of the request, such as `audience` or `resource`; not for secrets', 'none')
  @Check(checkParameters, { type: 'object', additionalProperties: { type: 'string' } })
  readonly parameters: Readonly<Record<string, string>> = {};

  @About('how long a token lives whose answer does not say so')
  @Seconds({ max: MAX_LIFE_SECONDS })
  readonly defaultLifeSeconds: number = 3600;

  @About(
    'what a fetch does: `independent`: a new token, and those before live on; `replaces`: a new one that ends the one before; `repeats`: the same one until shortly before its end; `renews`: the same one, which lives longer',
  )
  @OneOf(ISSUANCES)
  readonly issuance: Issuance = 'independent';

  @About('`replaces`: how long the token before lives on')
  @Seconds({ zero: true })
  readonly overlapSeconds: number = 0;

  @About('`repeats`: so long before the end of a token a fetch gives a new one; 0: after its end only')
  @Seconds({ zero: true })
  readonly freshWithinSeconds: number = 0;

  @Optional()
  @Section(() => Oauth2GatewaySection)
  readonly gateway?: Oauth2GatewaySection;

  get appId(): string {
    return this.clientId;
  }

  get appSecret(): Secret {
    return this.clientSecret;
  }

  get apiBaseUrl(): string {
    return this.tokenUrl;
  }

  /** A token of another server, scope or set of parameters is not this app's, although the client is the same. */
  get grant(): string {
    const { tokenUrl, scope = null } = this;
    // Called before the values are checked, too.
    const parameters: unknown = this.parameters;
    const sorted = isMapping(parameters) ? Object.entries(parameters).sort() : [];
    const asked = JSON.stringify([tokenUrl, scope, sorted]);
    return `client_credentials-${hash('sha256', asked).slice(0, 8)}`;
  }

  override conflictWith(earlier: AppSection, path: string): Conflict | undefined {
    if (!(earlier instanceof Oauth2Section) || this.issuance !== 'replaces') return undefined;
    if (earlier.clientId !== this.clientId || earlier.grant !== this.grant) return undefined;
    const text = `is the same as ${path}.clientId, with the same server, scope and parameters: each fetch of one would end the other's token; keep one of the two, which several clients can use`;
    return { key: 'clientId', text };
  }
}

/** RFC 6749 appendix A allows printable ASCII; Basic can carry more, and some servers take it. */
function clientSecretForm(text: string): string | undefined {
  if (isInQuotes(text)) return "must be the client's secret; the text is in quotes: remove them";
  const odd = oddCharacter(text, /[^\p{C}]/u);
  return odd === undefined ? undefined : `must be the client's secret; ${odd}`;
}

// Never shown: people put secrets into URLs.
function checkTokenUrl(value: unknown): string | undefined {
  const url = parseUrl(value);
  if (url === null || !(/^https?:$/.test(url.protocol) || isTrialHost(value))) {
    return 'must be the http or https URL of the token endpoint, such as https://login.example/oauth2/token';
  }
  const extra = url.username + url.password + url.hash;
  return extra === '' ? undefined : 'must be a URL without user, password and fragment';
}

function checkParameters(value: unknown): string | readonly string[] | undefined {
  if (!isMapping(value)) return shapeProblem('a mapping (parameter: value)', value);
  const entries = Object.entries(value);
  if (entries.length > MAX_PARAMETERS) return `must have at most ${MAX_PARAMETERS} parameters`;
  return entries.flatMap(([name, text]) => {
    if (OWN_PARAMETERS.includes(name)) return [`.${name}: has a key of its own in the configuration`];
    if (typeof text === 'string' && text.length <= MAX_PARAMETER_CHARACTERS) return [];
    const shown = isWordLike(name) ? name : '(a parameter not shown)';
    return [`.${shown}: ${problem(`a text of at most ${MAX_PARAMETER_CHARACTERS} characters`, text)}`];
  });
}
