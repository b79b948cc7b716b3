import type { Config } from './config.js';
import type { Fault } from './faults.js';
import type { RedisSection } from './redis.section.js';
import { isLoopback, isTrialHost, parseUrl } from './values.js';

/** Links on which something is sent in clear. They work, but others on the network can read it. */
export function insecureLinks({ apps, redis }: Config): Fault[] {
  return [
    ...apps.flatMap(({ apiBaseUrl }, index) =>
      apiBaseUrl.startsWith('http:') && !isTrialHost(apiBaseUrl)
        ? [
            {
              path: `apps[${index}].apiBaseUrl`,
              text: 'is http://: the secret of the app and its tokens cross the network in clear; use https://',
            },
          ]
        : [],
    ),
    ...(redis === undefined || redis.isTls ? [] : redisInClear(redis)),
  ];
}

function redisInClear({ server }: RedisSection): Fault[] {
  const [key, hosts] =
    server.kind === 'url'
      ? ['url', [parseUrl(server.url.value())?.hostname ?? '']]
      : server.kind === 'sentinel'
        ? ['sentinels', server.sentinels.map(({ host }) => host)]
        : ['clusterNodes', server.nodes.map(({ host }) => host)];
  if (hosts.every((hostname) => isLoopback({ hostname }))) return [];
  const remedy = key === 'url' ? 'rediss:// is TLS' : 'redis.tls turns TLS on';
  const text = `is Redis without TLS: its password crosses the network in clear (tokens are sealed); ${remedy}`;
  return [{ path: `redis.${key}`, text }];
}
