import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GatewayApp } from '../../src/core/ports/gateway-profile.js';
import { Egress } from '../../src/platforms/http/egress.js';
import * as oauth2 from '../../src/platforms/oauth2/gateway-profile.js';
import * as oauth2Errors from '../../src/platforms/oauth2/oauth-errors.js';
import * as wechatErrors from '../../src/platforms/wechat/errcodes.js';
import * as wechat from '../../src/platforms/wechat/gateway-profile.js';
import * as wecomErrors from '../../src/platforms/wecom/errcodes.js';
import * as wecom from '../../src/platforms/wecom/gateway-profile.js';

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close().closeAllConnections();
});

/** An app whose API answers with the URL that it was asked for, in which the token stands. Ends with the test file. */
export async function startEchoingApi(name: string): Promise<GatewayApp> {
  const server = createServer((request, response) => {
    response.end(JSON.stringify({ errcode: 0, url: request.url }));
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return wechatApi(name, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** An app of WeChat, whose API is at the URL. */
export function wechatApi(name: string, apiBaseUrl: string): GatewayApp {
  return api(name, wechat.gatewayProfile({ apiBaseUrl }), wechatErrors);
}

export function wecomApi(name: string, apiBaseUrl: string): GatewayApp {
  return api(name, wecom.gatewayProfile({ apiBaseUrl }), wecomErrors);
}

export function oauth2Api(name: string, baseUrl: string): GatewayApp {
  return api(name, oauth2.gatewayProfile(baseUrl, 'https://login.example/token'), oauth2Errors);
}

function api(
  name: string,
  profile: GatewayApp['profile'],
  { explain }: { readonly explain: GatewayApp['errors']['explain'] },
): GatewayApp {
  const egress = new Egress();
  return {
    name,
    profile,
    errors: { explain },
    timeoutMs: 5000,
    connect: (target, options) => egress.connect(target, options),
  };
}
