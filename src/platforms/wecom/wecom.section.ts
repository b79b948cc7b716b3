import { API_KEY_PREFIX } from '../../config/api-key.js';
import { AppSection, type Conflict } from '../../config/app.section.js';
import { problem } from '../../config/faults.js';
import { About, Check, Optional, SecretText, Url } from '../../config/keys.js';
import type { Secret } from '../../config/secret.js';
import { isInQuotes, oddCharacter } from '../../config/secret-text.js';
import { parseUrl } from '../../config/values.js';

/** `ww` and 16 hex digits today, `wx` and `wl` of older corps. */
const CORP_ID = /^w[a-z][0-9a-f]{16}$/;
const AGENT_ID = /^\d{1,10}$/;

/** An app ("agent") of a corp on WeCom. Each agent has a secret, and so a token, of its own: several agents are several apps. */
export class WecomSection extends AppSection {
  readonly provider = 'wecom';

  @About('the CorpID: `ww` and 16 hex digits')
  @Check(checkCorpId, { type: 'string', pattern: CORP_ID.source })
  readonly corpId!: string;

  @About("the Secret of this one app, from WeCom's console")
  @SecretText(corpSecretForm)
  readonly corpSecret!: Secret;

  @About(
    "the app's AgentId; names it in `GET /apps`, and is needed by `/cgi-bin/gettoken` where one CorpID has several apps",
  )
  @Optional()
  @Check(checkAgentId, { type: ['string', 'integer'] })
  readonly agentId?: string | number;

  @About('a gateway, or the simulator')
  @Url('an http or https URL, such as https://qyapi.weixin.qq.com')
  readonly apiBaseUrl: string = 'https://qyapi.weixin.qq.com';

  get appId(): string {
    return this.corpId;
  }

  get grant(): string {
    return grantOf(this.agentId);
  }

  get appSecret(): Secret {
    return this.corpSecret;
  }

  override get shownId(): string {
    return this.corpId;
  }

  override conflictWith(earlier: AppSection, path: string): Conflict | undefined {
    if (!(earlier instanceof WecomSection) || earlier.corpId !== this.corpId) return undefined;
    if (parseUrl(earlier.apiBaseUrl)?.host !== parseUrl(this.apiBaseUrl)?.host) return undefined;
    if (this.agentId !== undefined && String(earlier.agentId) === String(this.agentId)) {
      const text = `is the same as ${path}.agentId, of the same corp and host; keep one of the two, which several clients can use`;
      return { key: 'agentId', text };
    }
    return undefined;
  }
}

/** How the apps of one corp are told apart, in `GET /apps` and in the store. */
function grantOf(agentId: string | number | undefined): string {
  return agentId === undefined ? 'agent' : `agent-${String(agentId)}`;
}

/** 43 characters as the console makes them; the permanent code of a custom app, which is its secret, may be longer. */
function corpSecretForm(text: string): string | undefined {
  if (/^[\w-]{16,512}$/.test(text) && !text.startsWith(API_KEY_PREFIX) && !CORP_ID.test(text))
    return undefined;
  if (CORP_ID.test(text))
    return 'must be the Secret of the app, and this is a CorpID: are corpId and corpSecret swapped?';
  if (text.startsWith(API_KEY_PREFIX))
    return 'must be the Secret of the app at WeCom, and this is an API key of this broker';
  const expectation = "must be the Secret of the app from WeCom's console, 43 letters, digits, - and _";
  if (isInQuotes(text)) return `${expectation}; the text is in quotes: remove them`;
  return `${expectation}; ${oddCharacter(text, /[\w-]/) ?? `this has ${text.length}`}`;
}

function checkCorpId(value: unknown): string | undefined {
  if (typeof value === 'string' && CORP_ID.test(value)) return undefined;
  return problem("the CorpID from WeCom's console, ww and 16 hex digits in lower case", value);
}

function checkAgentId(value: unknown): string | undefined {
  if (AGENT_ID.test(String(value))) return undefined;
  return problem("the AgentId from WeCom's console, a number such as 1000002", value);
}
