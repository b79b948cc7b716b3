import { apiClient, createEdge, keyOf, type Edge } from './create-edge.js';
import { heldToken } from './fake-broker.js';

const STABLE_APP_ID = 'wx0123456789abcdef';

/** Two apps with one AppID, one of each grant, a third app, and callers with different rights. */
export async function createDropInEdge(): Promise<Edge> {
  const edge = await createEdge({
    apps: ['shop', 'shop-classic', 'blog'],
    clients: [
      apiClient('orders'),
      apiClient('reader', { scopes: ['token:read'] }),
      apiClient('forgetful', { maxExpiresInSeconds: 300 }),
      apiClient('signer', { scopes: ['ticket:read'] }),
      apiClient('blogger', { apps: ['blog'] }),
    ],
    statuses: { 'shop-classic': { grant: 'classic' }, blog: { appId: 'wxb' } },
  });
  for (const [index, app] of ['shop', 'shop-classic', 'blog'].entries()) {
    edge.broker.tokens.set(app, heldToken(index + 1, 7_200_000));
  }
  return edge;
}

/** As an SDK asks; `''` leaves a parameter out. */
export function askClassic(edge: Edge, parameters: Record<string, string> = {}) {
  const all = {
    grant_type: 'client_credential',
    appid: STABLE_APP_ID,
    secret: keyOf('orders'),
    ...parameters,
  };
  const query = new URLSearchParams(Object.entries(all).filter(([, value]) => value !== ''));
  return edge.app.inject({ url: `/cgi-bin/token?${query.toString()}` });
}

/** The same of the other endpoint. */
export function askStable(edge: Edge, fields: object = {}, headers: Record<string, string> = {}) {
  return edge.app.inject({
    method: 'POST',
    url: '/cgi-bin/stable_token',
    headers,
    payload: {
      grant_type: 'client_credential',
      appid: STABLE_APP_ID,
      secret: keyOf('orders'),
      ...fields,
    },
  });
}
