import { Body, Controller, Header, HttpCode, Post, Req, Module } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { TokenBroker } from '../../core/broker.js';
import { EXPIRED_KEY, type ClientAccess } from '../auth/client-access.js';
import { Authenticator, VIRTUAL_TOKENS_ONLY } from '../auth/api-key.guard.js';
import { Api } from '../common/api-route.js';
import { HttpProblem } from '../common/problem.js';
import {
  GRANT_TYPE,
  REQUEST_TOKEN,
  SCOPE,
  type OAuth2TokenView,
  OAuth2Error,
  sendOAuth2Error,
} from './oauth2.api.js';

const WHY = {
  missing:
    'Send the name of the app as client_id and an API key of the broker as client_secret: in the body, or as HTTP Basic, which is the base64 of both, each form-urlencoded, with a colon between them.',
  unknown:
    'client_secret must be an API key of the broker. This one is not known: its SHA-256 is in no client of the configuration.',
  expired: EXPIRED_KEY,
};

/**
 * POST /oauth2/token: the client credentials grant (RFC 6749, section 4.4), so that any OAuth 2.0 library is a client. The app is the
 * `client_id`, an API key the `client_secret`.
 */
@Controller('oauth2')
class OAuth2Controller {
  constructor(
    private readonly broker: TokenBroker,
    private readonly authenticator: Authenticator,
  ) {}

  @Post('token')
  @HttpCode(200)
  @Header('Pragma', 'no-cache')
  @Api(REQUEST_TOKEN, { sendError: sendOAuth2Error })
  async token(@Req() request: FastifyRequest, @Body() body: unknown): Promise<OAuth2TokenView> {
    if (typeof body !== 'string') {
      throw new OAuth2Error('invalid_request', 'Send the parameters as application/x-www-form-urlencoded.');
    }
    const form = new TokenRequestForm(body);
    const credentials = clientCredentials(request.headers.authorization, form);
    const client = this.authenticate(credentials?.clientSecret, request);
    const app = client.app(credentials?.clientId);
    if (!this.authenticator.hasScope(request, client, SCOPE)) {
      if (client.isRealTokenRefused(SCOPE)) throw new HttpProblem('virtual_tokens_only', VIRTUAL_TOKENS_ONLY);
      throw new OAuth2Error(
        'unauthorized_client',
        `This needs the scope ${SCOPE}, which client ${client.name} lacks.`,
      );
    }
    checkGrant(form);
    const held = this.broker.held(app) ?? (await this.broker.current(app));
    request.audited = { action: 'token.read', app, token: held.record };
    return {
      access_token: held.record.value,
      token_type: held.record.tokenType ?? 'Bearer',
      expires_in: client.promisedSeconds(this.broker.cacheableMs(app, held)),
    };
  }

  private authenticate(key = '', request: FastifyRequest): ClientAccess {
    const who = this.authenticator.recognize(request, key);
    if (who.kind === 'ok') return who.client;
    throw new OAuth2Error('invalid_client', WHY[who.kind]);
  }
}

/** @throws OAuth2Error `invalid_request`, `unsupported_grant_type`, `invalid_scope` */
function checkGrant(form: TokenRequestForm): void {
  const grantType = form.get('grant_type');
  if (grantType === undefined) {
    throw new OAuth2Error('invalid_request', `grant_type is missing: it must be ${GRANT_TYPE}.`);
  }
  if (grantType !== GRANT_TYPE)
    throw new OAuth2Error('unsupported_grant_type', `grant_type must be ${GRANT_TYPE}.`);
  const scopes = form.get('scope')?.split(' ') ?? [];
  if (scopes.some((scope) => scope !== SCOPE)) {
    throw new OAuth2Error(
      'invalid_scope',
      `scope may be ${SCOPE}, or be left out: the platform decides what its token is good for.`,
    );
  }
}

/** Who asks for a token: RFC 6749, section 2.3.1. */
interface ClientCredentials {
  /** The alias of an app. */
  readonly clientId: string;
  /** An API key. */
  readonly clientSecret: string;
}

/** The parameters of a token request. */
class TokenRequestForm {
  private readonly fields: URLSearchParams;

  /** @throws OAuth2Error `invalid_request` when a parameter is given twice */
  constructor(body: string) {
    this.fields = new URLSearchParams(body);
    for (const name of this.fields.keys()) {
      if (this.fields.getAll(name).length > 1) {
        throw new OAuth2Error('invalid_request', 'A parameter is given twice: send each one once.');
      }
    }
  }

  /** A parameter without a value counts as left out (section 3.1). */
  get(name: 'client_id' | 'client_secret' | 'grant_type' | 'scope'): string | undefined {
    const value = this.fields.get(name);
    return value === null || value === '' ? undefined : value;
  }
}

/**
 * Null when there are none, or the header is not as it should be. They come out of the header `Authorization` or the body, not out of both. A `client_id` in the body besides the header is allowed if it
 * is the same: many libraries send it.
 *
 * @throws OAuth2Error `invalid_request` when they come in both ways
 */
function clientCredentials(
  authorization: string | undefined,
  form: TokenRequestForm,
): ClientCredentials | null {
  const clientId = form.get('client_id');
  const clientSecret = form.get('client_secret');
  if (authorization === undefined) {
    return clientId !== undefined && clientSecret !== undefined ? { clientId, clientSecret } : null;
  }
  if (clientSecret !== undefined) {
    throw new OAuth2Error(
      'invalid_request',
      'Send client_secret in the body or in the header Authorization, not in both.',
    );
  }
  const basic = basicCredentials(authorization);
  if (clientId !== undefined && basic !== null && clientId !== basic.clientId) {
    throw new OAuth2Error(
      'invalid_request',
      'client_id in the body is not the one in the header Authorization.',
    );
  }
  return basic;
}

/** Both parts are form-urlencoded before they are put together, so that either may have a colon. */
function basicCredentials(authorization: string): ClientCredentials | null {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization.trim())?.[1];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  const clientId = formDecoded(text.slice(0, Math.max(0, colon)));
  const clientSecret = formDecoded(text.slice(colon + 1));
  return colon > 0 && clientId !== undefined && clientSecret !== undefined
    ? { clientId, clientSecret }
    : null;
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

@Module({ controllers: [OAuth2Controller] })
export class OAuth2Module {}
