import { CLAIM_PREFIX, RedisConnection } from '../storage/redis/index.js';
import { redisSettings } from '../composition/backend.js';
import type { EndpointSection, RedisSection } from '../config/redis.section.js';
import { sleep, type Clock } from '../core/ports/clock.js';
import type { StoreUnavailableError } from '../core/errors.js';
import type { FaultId } from '../platforms/http/network-fault.js';
import { checkWay, type Finding } from './check-way.js';

const READY_MS = 3000;
const RETRY_MS = 500;
const LOGIN = 'login';
/** The keys that show brokers whether they fetch for the same AppID; they do not have the prefix. */
const CLAIM = `the keys ${CLAIM_PREFIX}*`;
const CLAIM_SCRIPT = 'redis.call("set", KEYS[1], "", "PX", 1000); return redis.call("del", KEYS[1])';

/** The way to each server that the configuration names, then login and every command that the broker needs. */
export async function checkRedis(
  redis: RedisSection,
  clock: Clock,
  { withClaims }: { readonly withClaims: boolean },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { host, port } of endpointsOf(redis)) {
    const { tls, isTls } = redis;
    const options = isTls
      ? { ...(tls?.ca && { ca: tls.ca.value() }), ...(tls?.serverName && { servername: tls.serverName }) }
      : null;
    findings.push(...(await checkWay({ host, port, tls: options, clock, remedyOf })));
  }
  if (!findings.some(({ step, isGood }) => isGood && step === (redis.isTls ? 'TLS' : 'TCP'))) return findings;
  return [...findings, ...(await checkCommands(redis, clock, { withClaims }))];
}

function endpointsOf({ server }: RedisSection): readonly EndpointSection[] {
  if (server.kind === 'sentinel') return server.sentinels;
  if (server.kind === 'cluster') return server.nodes;
  const { hostname, port } = new URL(server.url.value());
  return [{ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 6379) }];
}

function remedyOf(fault: FaultId, step: string): string {
  if (fault.startsWith('dns')) return 'Correct the host in redis, or the DNS that this host asks.';
  if (fault.startsWith('certificate')) {
    return 'Give the CA of the certificate as redis.tls.ca, and its name as redis.tls.serverName.';
  }
  // A Redis without TLS waits for the rest of a command.
  if (step === 'TLS' || fault === 'tls_protocol' || fault === 'reset') {
    return 'Does Redis speak TLS on this port? rediss:// and redis.tls are for TLS, redis:// is not.';
  }
  return 'Start Redis, or correct host and port in redis; check firewall and NetworkPolicy.';
}

/** A key that nothing else uses, below the prefix that the user may touch; gone at the end. */
async function checkCommands(
  redis: RedisSection,
  clock: Clock,
  { withClaims }: { readonly withClaims: boolean },
): Promise<Finding[]> {
  const connection = new RedisConnection(redisSettings(redis), clock);
  const { client } = connection;
  const key = `${redis.keyPrefix}{diagnose}:trial`;
  const channel = `${redis.keyPrefix}diagnose`;
  const script = 'redis.call("set", KEYS[1], ARGV[1], "PX", 10000); return redis.call("time")';
  const subscriber = connection.subscriber(() => RETRY_MS);
  const commands: readonly (readonly [name: string, run: () => Promise<unknown>])[] = [
    [LOGIN, () => client.ping()],
    ['EVAL', () => client.eval(script, 1, key, 'x')],
    ['SET', () => client.set(key, 'x', 'PX', 1000, 'NX')],
    ['GET', () => client.get(key)],
    ['EXISTS', () => client.exists(key)],
    ['DEL', () => client.del(key)],
    ...(withClaims ? [[CLAIM, () => client.eval(CLAIM_SCRIPT, 1, `${CLAIM_PREFIX}diagnose`)] as const] : []),
    ['PUBLISH', () => client.publish(channel, '')],
    ['SUBSCRIBE', () => soon(clock, subscriber.subscribe(channel))],
  ];
  try {
    await connection.ready(READY_MS);
    const findings: Finding[] = [];
    for (const [name, run] of commands) {
      const finding = await tryCommand(connection, clock, name, run);
      findings.push(finding);
      if (!finding.isGood && name === LOGIN) break;
    }
    return findings;
  } finally {
    connection.close();
    subscriber.disconnect();
  }
}

/** The connection for subscriptions would try for ever. */
async function soon(clock: Clock, answer: Promise<unknown>): Promise<void> {
  const silence = sleep(clock, READY_MS).then(() => {
    throw new Error('no answer');
  });
  await Promise.race([answer, silence]);
}

async function tryCommand(
  connection: RedisConnection,
  clock: Clock,
  step: string,
  run: () => Promise<unknown>,
): Promise<Finding> {
  const startMs = clock.monotonicMs();
  try {
    await connection.run(run);
    return { step, isGood: true, text: `answered in ${(clock.monotonicMs() - startMs).toFixed(1)} ms` };
  } catch (error) {
    const { message, remedy } = error as StoreUnavailableError;
    return { step, isGood: false, text: message, remedy };
  }
}
