/* What `@access-token-broker/client` offers. */
export { createTokenClient, type TokenClientOptions } from './create-token-client.js';
export type { Errcode } from './dead-token-errcode.js';
export type { TokenClient } from './token-client.js';
export { TokenClientError, type TokenClientErrorDetails } from './token-client-error.js';
export type { TokenClientEvent } from './token-follower.js';
export { accessToken, withAccessToken, type AccessTokenDecorator } from './with-access-token.js';
export {
  interceptAxios,
  type AxiosLike,
  type AxiosRequestLike,
  type InterceptAxiosOptions,
} from './intercept-axios.js';
export { GatewayClient, type GatewayClientOptions } from './gateway-client.js';
export { LoginClientError, type LoginAction } from './login-calls.js';
export {
  createPkce,
  LoginClient,
  type Authorization,
  type Login,
  type LoginClientOptions,
  type UserTokens,
} from './login-client.js';
