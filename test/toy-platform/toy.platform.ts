import { AppSection } from '../../src/config/app.section.js';
import { About, SecretText, Text, Url } from '../../src/config/keys.js';
import type { Secret } from '../../src/config/secret.js';
import type { ErrorCode } from '../../src/core/error-code.js';
import {
  TokenIssuer,
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
  type ProbeAnswer,
} from '../../src/core/ports/token-issuer.js';
import { PlatformApi } from '../../src/platforms/http/platform-api.js';
import type { Ping, Platform } from '../../src/platforms/platform.js';

class ToySection extends AppSection {
  readonly provider = 'toy';

  @About('the number on the card of the library')
  @Text(/^\d{6}$/, 'six digits')
  readonly member!: string;

  @About('what the librarian asks for')
  @SecretText((text) => (text.length < 12 ? 'must be the phrase, of twelve characters or more' : undefined))
  readonly phrase!: Secret;

  @About('where the library is')
  @Url('an http or https URL')
  readonly library!: string;

  readonly grant = 'pass';

  get appId(): string {
    return this.member;
  }

  /** Six digits are no phrase in the wrong place. */
  override get shownId(): string {
    return this.member;
  }

  get appSecret(): Secret {
    return this.phrase;
  }

  get apiBaseUrl(): string {
    return this.library;
  }
}

const RULE: IssuanceRule = {
  repeats: 'never',
  previous: { graceMs: 0 },
  renewsOnFetch: false,
  canForce: false,
};

function explain(errcode: ErrorCode): ErrcodeAdvice {
  return {
    class: errcode === 'CLOSED' ? 'busy' : 'configuration',
    remedy: errcode === 'WRONG_PHRASE' ? 'Ask the librarian for the phrase.' : 'Read the notice at the door.',
    secretRejected: errcode === 'WRONG_PHRASE',
    addressRejected: false,
    curedByNewToken: errcode === 'STALE' ? 'yes' : 'no',
  };
}

class ToyIssuer extends TokenIssuer {
  readonly rule = RULE;
  readonly explain = explain;

  constructor(private readonly library: PlatformApi) {
    super();
  }

  async issue({ appSecret }: AppCredentials, deadline: Deadline): Promise<IssueOutcome> {
    const headers = { 'x-phrase': appSecret };
    const reply = await this.library.fetch({ method: 'POST', path: '/pass', headers }, deadline);
    if (reply.kind !== 'answered') return reply;
    const { 'x-why': errcode, 'x-pass': value } = reply.headers;
    if (typeof errcode === 'string') return { kind: 'refused', errcode, message: '' };
    return { kind: 'issued', value: String(value), expiresInSeconds: Number(reply.body) };
  }

  override async probe(token: string, deadline: Deadline): Promise<ProbeAnswer> {
    const headers = { 'x-pass': token };
    const reply = await this.library.call({ method: 'GET', path: '/shelf', headers }, deadline);
    if (reply.kind !== 'answered') return { outcome: 'no_answer', message: reply.cause.message };
    return { outcome: reply.status === 401 ? 'rejected' : 'accepted' };
  }
}

async function ping(library: PlatformApi, deadline: Deadline): Promise<Ping> {
  const reply = await library.fetch({ method: 'GET', path: '/shelf' }, deadline);
  return reply.kind === 'answered' ? { kind: 'answered', errcode: String(reply.headers['x-why']) } : reply;
}

export const toy: Platform = {
  id: 'toy',
  section: ToySection,
  quotaDayOffsetMs: -5 * 3_600_000,
  errors: { passing: ['CLOSED'], explain },
  tokenShape: /\btoypass-[0-9a-f]{32}/,
  ping,
  credentials: ({ library }: ToySection) => [
    {
      id: 'pass',
      rule: RULE,
      defaults: {
        aheadSeconds: 1,
        jitterSeconds: 0,
        dailyBudget: 500,
        forcedDailyBudget: 5,
        verifyReports: true,
      },
      issuer: ({ egress }) => new ToyIssuer(new PlatformApi(library, egress)),
    },
  ],
};
