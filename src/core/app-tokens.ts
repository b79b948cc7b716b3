import type { TokenBroker } from './broker.js';
import type { AccessTokenSource } from './ports/token-issuer.js';
import type { AppName } from './token.js';

/**
 * An app's token, for what the broker itself does with it.
 *
 * @param caller whose reports of dead tokens these are; a name that no client can have
 */
export function appTokens(broker: TokenBroker, app: AppName, caller: `broker:${string}`): AccessTokenSource {
  return {
    current: async () => (broker.held(app) ?? (await broker.current(app))).record.value,
    replace: async (accessToken, errcode) => {
      const { token } = await broker.report(app, { caller, accessToken, errcode, force: false });
      return token?.record.value ?? accessToken;
    },
  };
}
