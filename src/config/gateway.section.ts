import { problem } from './faults.js';
import { About, List, Optional, Seconds, Text, WholeNumber } from './keys.js';

/** `GET /cgi-bin/user/info`, `POST /cgi-bin/message/**`: a method, or `*` for all, and a path of words, `*` and `**`. */
const ALLOW_ENTRY = /^(?:\*|GET|HEAD|POST|PUT|PATCH|DELETE) (?:\/(?:\*\*?|[\w.~@:+-]+))+$/;
const MAX_ALLOW_ENTRIES = 500;
const GIB = 1024 ** 3;

/** What a client may do through the gateway. */
export class ClientGatewaySection {
  @About(
    'the calls that it may make, such as `POST /cgi-bin/message/**` and `GET /cgi-bin/user/info`: a method, or `*` for all, and a path, where `*` stands for one segment and `**` for any number of them. All others are refused',
  )
  @List(checkAllowed, `must list 1 to ${MAX_ALLOW_ENTRIES} calls, such as POST /cgi-bin/message/**`, {
    max: MAX_ALLOW_ENTRIES,
    items: { type: 'string', pattern: ALLOW_ENTRY.source },
  })
  readonly allow!: readonly string[];

  @About('the largest body of a call; a larger one is refused with 413')
  @WholeNumber(0, GIB)
  readonly maxBodyBytes: number = 33_554_432;

  @About('calls a second, on average, by each replica; more are refused with 429. Left out: no bound')
  @Optional()
  @WholeNumber(1, 100_000)
  readonly ratePerSecond?: number;
}

/** What all calls through the gateway have in common. */
export class GatewaySection {
  @About('calls of one app that a replica has under way at the same time; more are refused with 429')
  @WholeNumber(1, 100_000)
  readonly maxInFlightPerApp: number = 512;

  @About('until the first byte of the answer of a platform', "the app's `refresh.upstreamTimeoutSeconds`")
  @Optional()
  @Seconds({ max: 3600 })
  readonly timeoutSeconds?: number;

  @About(
    'the absolute path of a directory, where a body that comes without its length is kept from its second MiB on',
    "the system's, mostly `/tmp`",
  )
  @Optional()
  @Text(/^\/.{0,1000}$/, 'the absolute path of a directory')
  readonly spoolDirectory?: string;
}

function checkAllowed(entry: unknown): string | undefined {
  return typeof entry === 'string' && ALLOW_ENTRY.test(entry)
    ? undefined
    : problem('a method and a path, such as GET /cgi-bin/user/info or POST /cgi-bin/message/**', entry);
}
