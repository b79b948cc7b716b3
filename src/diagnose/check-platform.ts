import tls from 'node:tls';
import type { AppSection } from '../config/app.section.js';
import type { EgressSection } from '../config/egress.section.js';
import type { ErrorCode } from '../core/error-code.js';
import { type Clock, withDeadline } from '../core/ports/clock.js';
import { remedyOf, type Deadline } from '../core/ports/token-issuer.js';
import { ConnectFailure, Egress } from '../platforms/http/egress.js';
import { faultOfProxy, isFaultId, remedyOfFault } from '../platforms/http/network-fault.js';
import { PlatformApi } from '../platforms/http/platform-api.js';
import { hostOf, portOf, proxyFor, type ProxyServer } from '../platforms/http/proxy-server.js';
import type { Ping } from '../platforms/platform.js';
import { platformOf } from '../platforms/registry.js';
import { checkWay, type Finding } from './check-way.js';

const ANSWER_TIMEOUT_MS = 8000;

/** The way to a platform's host, and whether what answers there is the platform. Mints nothing. */
export async function checkPlatform(
  { apiBaseUrl, provider }: Pick<AppSection, 'apiBaseUrl' | 'provider'>,
  section: EgressSection,
  clock: Clock,
): Promise<Finding[]> {
  const url = new URL(apiBaseUrl);
  const proxy = proxyFor(section, url);
  const findings = proxy
    ? await checkTunnel(url, proxy, section, clock)
    : await checkWay({
        host: hostOf(url),
        port: portOf(url),
        tls: url.protocol === 'https:' ? trustOf(section) : null,
        localAddress: section.localAddress,
        clock,
        remedyOf: (fault) => remedyOfFault(fault, section.unusedProxyVariable),
      });
  const ping = platformOf(provider).ping?.bind(null, new PlatformApi(apiBaseUrl, new Egress(section)));
  if (!ping || findings.some(({ isGood }) => !isGood)) return findings;
  return [...findings, await checkAnswer(ping, section.unusedProxyVariable, clock)];
}

/** The way to the proxy, and what it says to a CONNECT. */
async function checkTunnel(
  url: URL,
  proxy: ProxyServer,
  section: EgressSection,
  clock: Clock,
): Promise<Finding[]> {
  const { host, port, isTls } = proxy;
  const toProxy = await checkWay({
    host,
    port,
    tls: isTls ? trustOf(section) : null,
    localAddress: section.localAddress,
    clock,
    remedyOf: (fault) => remedyOfFault(faultOfProxy(fault)),
  });
  const findings = toProxy.map((finding) => ({ ...finding, step: `${finding.step} of the proxy` }));
  if (findings.some(({ isGood }) => !isGood)) return findings;
  const step = 'tunnel';
  try {
    const socket = await new Egress(section).connect(url, { timeoutMs: ANSWER_TIMEOUT_MS });
    socket.destroy();
    return [...findings, { step, isGood: true, text: `the proxy connects to ${url.host}` }];
  } catch (error) {
    if (!(error instanceof ConnectFailure)) throw error;
    const { why: text, fault } = error;
    return [...findings, { step, isGood: false, text, remedy: remedyOfFault(fault) }];
  }
}

function trustOf({ ca }: EgressSection): { readonly ca?: string[] } {
  return ca ? { ca: [...tls.getCACertificates('default'), ca.value()] } : {};
}

async function checkAnswer(
  ping: (deadline: Deadline) => Promise<Ping>,
  proxyVariable: string | null,
  clock: Clock,
): Promise<Finding> {
  const step = 'answer';
  const reply = await withDeadline(clock, ANSWER_TIMEOUT_MS, ping);
  if (reply.kind === 'answered') {
    const text = `errcode ${String(reply.errcode)} to a call without a token: the platform answers`;
    return { step, isGood: true, text };
  }
  const { message, fault = 'other' } = reply.cause;
  const remedy = remedyOfFault(isFaultId(fault) ? fault : 'other', proxyVariable);
  return { step, isGood: false, text: message, remedy };
}

/** What became of asking for a token; the token itself is shown to nobody. */
export type TokenTrial =
  | { readonly kind: 'issued'; readonly expiresInSeconds: number }
  | {
      readonly kind: 'refused' | 'unanswered';
      readonly errcode: ErrorCode | null;
      readonly message: string;
      readonly remedy: string;
    };

/** Asks for a token as the broker does. `null`: an app of this type has none. */
export async function tryToken(
  app: AppSection,
  section: EgressSection,
  clock: Clock,
): Promise<TokenTrial | null> {
  const { name, provider, appId, appSecret, refresh } = app;
  const [token] = platformOf(provider).credentials(app);
  if (!token) return null;
  const issuer = token.issuer({ egress: new Egress(section), source: null });
  const timeoutMs = refresh.upstreamTimeoutSeconds * 1000;
  const credentials = { app: name, appId, appSecret: appSecret.value() };
  const outcome = await withDeadline(clock, timeoutMs, (deadline) =>
    issuer.issue(credentials, deadline, { forceNew: false }),
  );
  switch (outcome.kind) {
    case 'issued':
      return { kind: 'issued', expiresInSeconds: outcome.expiresInSeconds };
    case 'refused': {
      const { errcode, message } = outcome;
      return { kind: 'refused', errcode, message, remedy: issuer.explain(errcode).remedy };
    }
    default: {
      const { message, fault } = outcome.cause;
      const remedy = remedyOf(issuer, { errcode: null, message, fault });
      return { kind: 'unanswered', errcode: null, message, remedy };
    }
  }
}

/** The same as a line of `diagnose`. */
export async function fetchToken(app: AppSection, section: EgressSection, clock: Clock): Promise<Finding> {
  const step = 'fetch';
  const trial = await tryToken(app, section, clock);
  switch (trial?.kind) {
    case undefined: {
      const text = `nothing to fetch: an app of type ${String(app.type)} has no token`;
      return { step, isGood: true, text };
    }
    case 'issued': {
      const text = `a token for ${String(trial.expiresInSeconds)} s, which is not shown and was not stored`;
      return { step, isGood: true, text };
    }
    case 'refused': {
      const text = `errcode ${String(trial.errcode)} (${trial.message})`;
      return { step, isGood: false, text, remedy: trial.remedy };
    }
    case 'unanswered':
      return { step, isGood: false, text: trial.message, remedy: trial.remedy };
  }
}
