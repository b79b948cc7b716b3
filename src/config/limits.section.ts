import { About, Optional, WholeNumber } from './keys.js';

const MAX_RATE = 10_000_000;

/** How many requests a client may make: by each replica, through all routes. */
export class RateSection {
  @About('requests a second, on average, by each replica')
  @WholeNumber(1, MAX_RATE)
  readonly requestsPerSecond: number = 5000;

  @About('requests that may come at once after a pause', 'twice `requestsPerSecond`')
  @Optional()
  @WholeNumber(1, MAX_RATE)
  readonly burst?: number;
}

/** What is counted of strangers. */
export class AuthSection {
  @About(
    'wrong API keys and JWTs of one address within a minute; more are refused with 429, while right ones of the same address are served. An IPv6 network of 64 bits counts as one address. Behind a proxy list it in `server.trustProxy`, or all callers have its address',
  )
  @WholeNumber(1, 1_000_000)
  readonly failuresPerMinute: number = 60;
}

/** What one replica holds at the same time, and how fast it starts. */
export class LimitsSection {
  @About('open connections; less where the process may not open so many files')
  @WholeNumber(10, 1_000_000)
  readonly connections: number = 10_000;

  @About('open connections of one address. All that come through one proxy have its address')
  @WholeNumber(1, 1_000_000)
  readonly connectionsPerAddress: number = 5000;

  @About('open streams of `GET /token/events` of one client')
  @WholeNumber(1, 1_000_000)
  readonly streamsPerClient: number = 50;

  @About('requests that are being worked on; event streams, probes and scrapes are not counted')
  @WholeNumber(1, 1_000_000)
  readonly requestsInFlight: number = 2000;

  @About('the same of one client')
  @WholeNumber(1, 1_000_000)
  readonly requestsInFlightPerClient: number = 1000;

  @About(
    'tokens that are fetched or tried a second although nobody asks for them: of apps that have none yet, or one that was found in Redis at the start. What a caller asks for comes first and does not count. Three replicas behind one address stay below the 20,000 requests a minute that WeCom takes from it; WeChat counts by app',
  )
  @WholeNumber(1, 10_000)
  readonly startFetchesPerSecond: number = 100;
}
