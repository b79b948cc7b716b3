import { randomBytes } from 'node:crypto';
import { CallLog } from '../call-log.js';
import type { FaultSpec } from '../fault-spec.js';
import { htmlReply, jsonReply, type HttpReply } from '../http-reply.js';
import type { IssuedToken } from '../issued-token.js';
import { TokenLedger } from '../token-ledger.js';
import type { HttpCall } from '../read-call.js';
import type { Answer, World } from '../world.js';
import { Client } from './client.js';
import { OauthError } from './oauth-error.js';
import type { Oauth2Settings } from './settings.js';
import { basicCredentials, bearerToken, readTokenRequest, type TokenRequest } from './token-request.js';

/** A resource that any living token opens; `?scope=` asks for a token that has that scope. */
const RESOURCE_PATH = '/resource';

const CONTENT_TYPE = 'application/json;charset=UTF-8';
const REALM = 'realm="simulator"';
const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' };
const TOKEN_BYTES = 32;

/** An authorization server with the client credentials grant, and one resource that its tokens open. */
export class Oauth2World implements World {
  readonly ledger = new TokenLedger(() => randomBytes(TOKEN_BYTES).toString('base64url'));
  readonly calls = new CallLog();
  readonly #clients: ReadonlyMap<string, Client>;

  constructor(readonly settings: Oauth2Settings) {
    this.#clients = new Map(
      settings.clients.map((client) => [client.clientId, new Client(client, this.ledger, settings)]),
    );
  }

  client(clientId: string): Client | undefined {
    return this.#clients.get(clientId);
  }

  hasApp(appId: string): boolean {
    return this.#clients.has(appId);
  }

  appIdOf(call: HttpCall): string | null {
    const token = this.ledger.find(bearerToken(call) ?? '');
    const id =
      token?.appId ?? basicCredentials(call)?.clientId ?? new URLSearchParams(call.body).get('client_id');
    return this.client(id ?? '')?.clientId ?? null;
  }

  act(call: HttpCall, nowMs: number): Answer {
    try {
      switch (call.path) {
        case this.settings.tokenPath:
          return { reply: this.#grant(readTokenRequest(call), nowMs), outcome: 'ok' };
        case RESOURCE_PATH:
          return { reply: this.#resource(call, nowMs), outcome: 'ok' };
        default:
          return { reply: htmlReply(404), outcome: 'http_404' };
      }
    } catch (error) {
      if (error instanceof OauthError) return this.#refused(call, error);
      throw error;
    }
  }

  refuse(call: HttpCall, _nowMs: number, { errcode, errmsg }: Pick<FaultSpec, 'errcode' | 'errmsg'>): Answer {
    const error = String(errcode ?? 'temporarily_unavailable');
    return this.#refused(
      call,
      new OauthError(error, errmsg ?? 'Simulated', error === 'invalid_client' ? 401 : 400),
    );
  }

  #grant(request: TokenRequest, nowMs: number): HttpReply {
    const client = this.#authenticated(request);
    this.#takeFetch(client, nowMs);
    if (request.grantType === undefined) throw new OauthError('invalid_request', 'grant_type is missing');
    if (request.grantType !== 'client_credentials') {
      throw new OauthError('unsupported_grant_type', 'Only client_credentials is supported');
    }
    if (client.unauthorized) throw new OauthError('unauthorized_client', 'The client may not use this grant');
    for (const [name, value] of Object.entries(this.settings.requiredParameters)) {
      if (request.parameters[name] !== value)
        throw new OauthError('invalid_request', `${name} is missing or wrong`);
    }
    const scope = client.grantedScope(request.scope);
    const details = { ...request.parameters, ...(scope !== undefined && { scope }) };
    return this.#tokenReply(client.issue('caller', details, nowMs), scope, nowMs);
  }

  #authenticated({ credentials }: TokenRequest): Client {
    const { authentication } = this.settings;
    const client = credentials && this.client(credentials.clientId);
    const isWelcome = authentication === 'both' || authentication === credentials?.method;
    if (!client || !isWelcome || client.clientSecret !== credentials.clientSecret) {
      const status = credentials?.method === 'client_secret_post' ? 400 : 401;
      throw new OauthError('invalid_client', 'Client authentication failed', status);
    }
    return client;
  }

  /** The body of a 429 is no JSON, as gateways have it. */
  #takeFetch({ fetches }: Client, nowMs: number): void {
    const waitMs = fetches.blockedForMs(nowMs);
    if (waitMs > 0) {
      const headers = { 'Retry-After': String(Math.ceil(waitMs / 1000)) };
      throw new OauthError(null, 'Too Many Requests', 429, headers);
    }
    fetches.count(nowMs);
  }

  #tokenReply(token: IssuedToken, scope: string | undefined, nowMs: number): HttpReply {
    const { lifeAs, tokenType, withRefreshToken } = this.settings;
    const seconds = Math.floor((token.expiresAtMs - nowMs) / 1000);
    const body = {
      access_token: token.value,
      token_type: tokenType,
      ...(lifeAs !== 'missing' && { expires_in: lifeAs === 'text' ? String(seconds) : seconds }),
      ...(scope !== undefined && { scope }),
      ...(withRefreshToken && { refresh_token: randomBytes(TOKEN_BYTES).toString('base64url') }),
    };
    return { ...jsonReply(body, CONTENT_TYPE, token), headers: NO_STORE };
  }

  /** RFC 6750 3: no error code for a request that carries no token. */
  #resource(call: HttpCall, nowMs: number): HttpReply {
    const value = bearerToken(call);
    if (value === undefined)
      throw new OauthError(null, 'No token', 401, { 'WWW-Authenticate': `Bearer ${REALM}` });
    const token = this.ledger.find(value);
    const fate = token?.fateAt(nowMs);
    if (!token || fate !== 'valid') {
      throw resourceError(
        'invalid_token',
        `The access token is ${fate === 'expired' ? fate : 'invalid'}`,
        401,
      );
    }
    const wanted = call.query.get('scope');
    if (wanted !== null && !scopesOf(token.details?.scope).includes(wanted)) {
      throw resourceError('insufficient_scope', `Needs ${wanted}`, 403);
    }
    return jsonReply({ client_id: token.appId, ...token.details }, CONTENT_TYPE);
  }

  #refused({ path, headers: sent }: HttpCall, { error, description, status, headers }: OauthError): Answer {
    if (error === null) {
      const outcome = `http_${String(status)}`;
      return { reply: { status, contentType: 'text/plain', text: `${description}\n`, headers }, outcome };
    }
    const challenge =
      status === 401 && sent.authorization !== undefined && path === this.settings.tokenPath
        ? { 'WWW-Authenticate': `Basic ${REALM}` }
        : {};
    const reply = {
      ...jsonReply({ error, error_description: description }, CONTENT_TYPE),
      status: path === this.settings.tokenPath && this.settings.errorStatus === 200 ? 200 : status,
      headers: { ...NO_STORE, ...challenge, ...headers },
    };
    return { reply, outcome: error };
  }
}

function resourceError(error: string, description: string, status: number): OauthError {
  const challenge = `Bearer ${REALM}, error="${error}", error_description="${description}"`;
  return new OauthError(error, description, status, { 'WWW-Authenticate': challenge });
}

function scopesOf(scope: string | undefined): string[] {
  return (scope ?? '').split(' ').filter((one) => one !== '');
}
