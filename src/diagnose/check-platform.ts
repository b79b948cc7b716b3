import type { AppSection } from '../config/app.section.js';
import type { Clock } from '../core/ports/clock.js';
import { remedyOf, type Deadline } from '../core/ports/token-issuer.js';
import { isFaultId, remedyOfFault } from '../platforms/http/network-fault.js';
import type { Ping } from '../platforms/platform.js';
import { platformOf } from '../platforms/registry.js';
import { checkWay, type Finding } from './check-way.js';

const ANSWER_TIMEOUT_MS = 8000;

/** The way to a platform's host, and whether what answers there is the platform. Mints nothing. */
export async function checkPlatform(
  { apiBaseUrl, provider }: Pick<AppSection, 'apiBaseUrl' | 'provider'>,
  proxyVariable: string | null,
  clock: Clock,
): Promise<Finding[]> {
  const url = new URL(apiBaseUrl);
  const isTls = url.protocol === 'https:';
  const findings = await checkWay({
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
    tls: isTls ? {} : null,
    clock,
    remedyOf: (fault) => remedyOfFault(fault, proxyVariable),
  });
  const ping = platformOf(provider).ping?.bind(null, apiBaseUrl);
  if (!ping || findings.some(({ isGood }) => !isGood)) return findings;
  return [...findings, await checkAnswer(ping, proxyVariable, clock)];
}

async function checkAnswer(
  ping: (deadline: Deadline) => Promise<Ping>,
  proxyVariable: string | null,
  clock: Clock,
): Promise<Finding> {
  const step = 'answer';
  const reply = await within(clock, ANSWER_TIMEOUT_MS, ping);
  if (reply.kind === 'answered') {
    const text = `errcode ${String(reply.errcode)} to a call without a token: the platform answers`;
    return { step, isGood: true, text };
  }
  const { message, fault = 'other' } = reply.cause;
  const remedy = remedyOfFault(isFaultId(fault) ? fault : 'other', proxyVariable);
  return { step, isGood: false, text: message, remedy };
}

/** Asks for a token as the broker does. The token is shown to nobody. */
export async function fetchToken(
  app: AppSection,
  proxyVariable: string | null,
  clock: Clock,
): Promise<Finding> {
  const { name, provider, appId, appSecret, refresh } = app;
  const [token] = platformOf(provider).credentials(app);
  if (!token) {
    return {
      step: 'fetch',
      isGood: true,
      text: `nothing to fetch: an app of type ${String(app.type)} has no token`,
    };
  }
  const issuer = token.issuer({ proxyVariable, source: null });
  const timeoutMs = refresh.upstreamTimeoutSeconds * 1000;
  const credentials = { app: name, appId, appSecret: appSecret.value() };
  const outcome = await within(clock, timeoutMs, (deadline) =>
    issuer.issue(credentials, deadline, { forceNew: false }),
  );
  const step = 'fetch';
  switch (outcome.kind) {
    case 'issued': {
      const text = `a token for ${String(outcome.expiresInSeconds)} s, which is not shown and was not stored`;
      return { step, isGood: true, text };
    }
    case 'refused': {
      const text = `errcode ${String(outcome.errcode)} (${outcome.message})`;
      return { step, isGood: false, text, remedy: issuer.explain(outcome.errcode).remedy };
    }
    default: {
      const { message, fault } = outcome.cause;
      return {
        step,
        isGood: false,
        text: message,
        remedy: remedyOf(issuer, { errcode: null, message, ...(fault !== undefined && { fault }) }),
      };
    }
  }
}

async function within<T>(
  clock: Clock,
  timeoutMs: number,
  call: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const cancel = clock.after(timeoutMs, () => {
    controller.abort();
  });
  try {
    return await call({ signal: controller.signal, timeoutMs });
  } finally {
    cancel();
  }
}
