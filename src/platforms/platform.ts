import type { AppSection, RefreshDefaults } from '../config/app.section.js';
import type { ErrorCode } from '../core/error-code.js';
import type {
  AccessTokenSource,
  Deadline,
  ErrcodeAdvice,
  IssuanceRule,
  IssueOutcome,
  TokenIssuer,
} from '../core/ports/token-issuer.js';
import type { LoginProvider } from '../core/ports/login-provider.js';
import type { GatewayProfile } from '../core/ports/gateway-profile.js';
import type { Egress } from './http/egress.js';
import type { PlatformApi } from './http/platform-api.js';

/** What an issuer is made with. */
export interface IssuerContext {
  readonly egress: Egress;
  /** The app's token, for what is fetched with it; null for the token itself. */
  readonly source: AccessTokenSource | null;
}

/** One thing that an app fetches and keeps: its token, or a ticket that a token is needed for. */
export interface CredentialSpec {
  /** Names it among the app's credentials. The first one of an app is its token; the others are fetched with it. */
  readonly id: string;
  readonly rule: IssuanceRule;
  readonly defaults: RefreshDefaults;
  readonly issuer: (context: IssuerContext) => TokenIssuer;
}

/** `answered` with the code of the platform's refusal: it is the platform, or something that answers as it does. */
export type Ping =
  { readonly kind: 'answered'; readonly errcode: ErrorCode } | Extract<IssueOutcome, { cause: Error }>;

/** What the platform's error codes mean. */
export interface ErrorCatalogue {
  /** Those at a fetch that pass by themselves, which alerts look for: counted from 0. */
  readonly passing: readonly ErrorCode[];
  explain(errcode: ErrorCode): ErrcodeAdvice;
}

/** All that the broker knows of a platform: one folder here, and one line in `registry.ts`. */
export interface Platform {
  /** As `apps[].provider` names it. */
  readonly id: string;
  /** The keys under `apps[]`, with the rules for their values and their defaults. */
  readonly section: new () => AppSection;
  /** When the day begins that the platform counts fetches by: so long before 00:00 UTC. */
  readonly quotaDayOffsetMs: number;
  readonly errors: ErrorCatalogue;
  /** What its tokens look like, if nothing else looks so: hidden in log lines also where the broker does not know the token. */
  readonly tokenShape?: RegExp;
  /** A call without any secret, to see that it is the platform which answers at this address. Left out where there is none. */
  ping?(api: PlatformApi, deadline: Deadline): Promise<Ping>;
  /** The token first; none where the app only logs users in. @param app an instance of `section`, validated */
  credentials(app: AppSection): readonly CredentialSpec[];
  /** How users log in to the app. Left out where they cannot. @param app as for `credentials` */
  login?(app: AppSection, egress: Egress): LoginProvider;
  /** How calls of this app go through the gateway; undefined where nobody said where its API is. */
  gateway?(app: AppSection): GatewayProfile | undefined;
}
