import type { AppState, HistoryKind } from '../api-types.ts';
import type { Filter, SortKey } from '../data/apps-query.ts';

const state: Record<AppState, string> = {
  ok: 'OK',
  suspect: 'Suspect',
  degraded: 'Degraded',
  expired: 'Expired',
  pending: 'No token',
};

const filters: Record<Filter, string> = {
  all: 'All',
  trouble: 'In trouble',
  disagreeing: 'Disagreeing',
  ...state,
};

const sorts: Record<SortKey, string> = {
  worst: 'Worst first',
  name: 'Name',
  life: 'Life left',
  next: 'Next refresh',
  fetches: 'Fetches today',
  forced: 'Forced today',
};

const kinds: Record<HistoryKind, string> = {
  rotated: 'Rotated',
  fetch_failed: 'Fetch failed',
  reported: 'Reported dead',
  suspected: 'Suspect',
  healed: 'Healed',
  died_early: 'Died early',
  forced: 'Forced',
  probed: 'Tested',
};

const suspectReasons: Readonly<Record<string, string>> = {
  reported: 'callers report it dead',
  contested: 'callers report it dead',
  dead: 'the platform refuses it',
  suspect: 'the platform may have a newer one',
  rollback: 'the store came back with an older state',
  in_doubt: 'nobody knows what came of a fetch',
};

/** Of why a token was fetched, and of what came of a report. */
const words: Readonly<Record<string, string>> = {
  scheduled: 'it was due',
  cold: 'there was none',
  report: 'a report',
  force: 'forced',
  in_doubt: 'a fetch without an answer',
  suspect: 'it was suspect',
  rollback: 'the store went back',
  secret_change: 'a new AppSecret',
  rotated: 'replaced',
  already_rotated: 'had been replaced already',
  recently_rotated: 'replaced a moment ago, not again',
  still_valid: 'the token is alive',
  budget_exhausted: 'no budget left today',
  refresh_budget_exhausted: 'no budget left today',
  accepted: 'alive',
  rejected: 'dead',
  no_answer: 'no clear answer',
  upstream_unavailable: 'the platform gave no usable answer',
  upstream_rejected: 'the platform refused',
  not_a_token_error: 'not about the token',
  held_elsewhere: 'another broker fetches for this AppID',
  no_token_yet: 'there is no token yet',
  token_expired: 'the token had expired',
  behind: 'this replica was behind',
  stopping: 'the replica was stopping',
  app_required: 'no app was named',
  unknown_app: 'there is no such app',
  no_token_for_app_type: 'apps of this type have no token',
};

const count = (n: number, one: string, many = `${one}s`) =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
const named = (names: readonly string[]) =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;

export const en = {
  title: 'Token broker',
  locale: 'en-GB',
  skip: 'Skip to the content',
  otherLanguage: '中文',
  theme: (name: string) => `Theme: ${name}`,
  themes: { light: 'light', dark: 'dark', auto: 'as the system' },
  nav: { label: 'Views', apps: 'Apps', callers: 'Callers', system: 'System' },
  link: { live: 'Live', connecting: 'Connecting…', lost: 'Connection lost' },
  signOut: 'Sign out',
  signIn: {
    title: 'Sign in',
    intro: 'With an API key or a JWT of a client that has the scope console.',
    key: 'API key or JWT',
    show: 'Show',
    hide: 'Hide',
    submit: 'Sign in',
    busy: 'Signing in…',
    wrong: 'This key is not known to the broker. Check for a missing character; keys begin with tbk_.',
    noScope:
      "This key is valid but may not look here. Add the scope console to the client's scopes in the broker's configuration.",
    jwt: {
      jwt_rejected:
        'The broker does not take this JWT: its issuer, signature or form is not one that identities: has. The log of the broker says which.',
      jwt_expired:
        'This JWT is over. Get a new one from its issuer, and check the clock of the broker’s host.',
      jwt_wrong_audience:
        'This JWT was issued for another service. Ask its issuer for one with the audience that identities: names.',
      jwt_unknown_subject:
        'This JWT is genuine, but its subject is no client here. Add it under subjects: of a client in the broker’s configuration.',
      jwt_keys_unavailable:
        'The broker cannot get the keys that verify this JWT. Check that it reaches jwksUri of the issuer, or sign in with an API key.',
    } as Readonly<Record<string, string>>,
    tooMany: 'Too many wrong keys from this address. Wait a minute.',
    noAnswer: 'The broker does not answer. Is it running, and does this address lead to it?',
    privacy:
      'The key is sent once and not kept. The session ends after 8 hours, with its JWT, or when the key or the subject is removed.',
    ended: {
      signed_out: 'You signed out.',
      expired: 'Your session ended: 8 hours have passed, or your JWT is over. Sign in again.',
      key_removed:
        'Your session ended: the key, the subject or its client was taken out of the configuration. Sign in with another one.',
      scope_lost:
        'Your session ended: the client lost the scope console. Whoever runs the broker can give it back.',
      other: 'Your session ended: it expired, or the key or its scope was removed. Sign in again.',
    },
  },
  unit: {
    ms: (n: number) => `${n} ms`,
    s: (n: number) => `${n} s`,
    min: (n: number) => `${n} min`,
    h: (n: number) => `${n} h`,
    d: (n: number) => `${n} d`,
    gap: ' ',
  },
  ago: (duration: string) => `${duration} ago`,
  in: (duration: string) => `in ${duration}`,
  now: 'now',
  never: 'never',
  none: '–',
  colon: ': ',
  yes: 'yes',
  of: (used: string, all: string) => `${used} of ${all}`,
  state,
  word: (word: string) => words[word] ?? word.replaceAll('_', ' '),
  suspectReason: (reason: string) => suspectReasons[reason] ?? reason.replaceAll('_', ' '),
  loading: 'Loading…',
  retry: 'Try again',
  failed: (why: string) => `This could not be loaded: ${why}`,
  noAnswer: 'the broker does not answer',
  apps: {
    title: 'Apps',
    summary: (all: number, bad: number) =>
      bad === 0 ? `${count(all, 'app')}, all OK` : `${count(all, 'app')}, ${count(bad, 'app')} in trouble`,
    shown: (shown: number, all: number) => `${count(shown, 'app')} of ${all.toLocaleString('en')}`,
    search: 'Search by name, app id or error',
    filter: 'Filter',
    filters,
    sort: 'Sort by',
    sorts,
    columns: {
      app: 'App',
      state: 'State',
      life: 'Life',
      next: 'Next refresh',
      fetches: 'Fetches',
      forced: 'Forced',
      problem: 'Last problem',
    },
    left: (duration: string) => `${duration} left`,
    expired: (duration: string) => `expired ${duration} ago`,
    noToken: 'no token yet',
    tokenless: 'needs no token',
    due: 'due',
    disagree: (replicas: readonly string[]) =>
      `${count(replicas.length, 'replica has', 'replicas have')} another token: ${replicas.join(', ')}`,
    table: 'Apps and the state of their tokens',
    empty: {
      title: 'No apps yet',
      text: 'Add an app under apps: in the configuration file. It appears here within seconds, without a restart.',
      forClient:
        'If there are apps, this client may not see them: check apps: of the client in the configuration.',
    },
    noMatch: { title: 'No app matches', clear: 'Clear search and filter' },
    changed: (app: string, to: string) => `${app}: ${to}`,
  },
  app: {
    back: 'All apps',
    missing: (app: string) => `There is no app ${app}, or this client may not see it.`,
    facts: {
      provider: 'Platform',
      appId: 'App ID',
      grant: 'Grant',
      generation: 'Generation',
      issued: 'Fetched',
      expires: 'Expires',
      next: 'Next refresh',
      fetches: 'Fetches today',
      forced: 'Forced today',
    },
    problem: 'Last problem',
    todo: 'What to do',
    thenRefresh: ' Once that is mended, “Refresh now” asks at once.',
    actions: 'Actions',
    test: 'Test the token',
    testing: 'Testing…',
    refresh: 'Refresh now…',
    noPermission: 'You may look but not act: actions need the scope console:act.',
    outcome: {
      alive: (ms: string) => `Alive: the platform accepted the token (${ms}).`,
      dead: (ms: string) => `Dead: the platform refuses the token (${ms}).`,
      unknown: (ms: string) => `Not certain: the platform gave no clear answer (${ms}).`,
    },
    dialog: {
      title: (app: string) => `Refresh the token of ${app} now?`,
      cost: (left: string) =>
        `This fetches a new token at once and counts as a forced fetch of today (${left}). Callers that hold the old token go on with it only as long as the platform allows.`,
      reason: 'Why? This goes into the audit log.',
      placeholder: 'for example: callers report 40001, ticket 4711',
      confirm: 'Refresh now',
      cancel: 'Cancel',
      busy: 'Refreshing…',
    },
    refreshed: (result: string, generation: string) => `Result: ${result}; generation ${generation}.`,
    actFailed: (why: string) => `Not done: ${why}`,
    timeline: 'Last 7 days',
    range: { '1h': '1 hour', '24h': '24 hours', '7d': '7 days' },
    rangeLabel: 'Range of the timeline',
    chart: (what: string) => `Timeline of events. ${what}`,
    chartHint: 'Move over the chart for single events; drag to zoom, double click to zoom out.',
    events: 'Events',
    kinds,
    kindFilter: 'Kind of event',
    allKinds: 'All kinds',
    noEvents: 'Nothing happened yet. Rotations, reports and failures appear here, for 7 days.',
    older: 'Older events',
    event: {
      rotated: (generation: string, fingerprint: string, reason: string) =>
        `New token, generation ${generation}${fingerprint && ` (fingerprint ${fingerprint})`}${reason && `; reason: ${reason}`}`,
      fetch_failed: (code: string, message: string) =>
        `The platform gave no token${code && `: ${code}`}${message && ` ${message}`}`,
      reported: (caller: string, code: string, result: string) =>
        `${caller || 'A caller'} reported the token dead${code && ` (${code})`}${result && `; result: ${result}`}`,
      suspected: (reason: string) => `The token is suspect${reason && `: ${reason}`}`,
      healed: () => 'The token is certain again',
      died_early: (message: string) => `The token died early${message && `: ${message}`}`,
      forced: (caller: string, reason: string, result: string) =>
        `${caller || 'Somebody'} forced a refresh${reason && `: “${reason}”`}${result && `; result: ${result}`}`,
      probed: (result: string, caller: string) =>
        `Tested${caller && ` by ${caller}`}${result && `: ${result}`}`,
    },
    byReplica: (replica: string, ms: string) => `replica ${replica}${ms && `, ${ms}`}`,
    callers: 'Callers',
    callersEmpty: 'No caller has read this token since the replicas started.',
    caller: {
      client: 'Client',
      reads: 'Reads',
      reports: 'Reports',
      lastRead: 'Last read',
      lastReport: 'Last report',
    },
    login: 'Logins',
    gateway: 'Gateway calls',
    unused: 'not used',
    counts: (total: string, failed: string) => `${total}, ${failed} failed`,
    snippets: 'How to call it',
    snippetsHint: 'Set KEY to an API key of your service with the scope token:read.',
    copy: 'Copy',
    copied: 'Copied',
  },
  callers: {
    title: 'Callers',
    intro:
      'Who may call the broker, by what keys, and when they last did. Figures are of all replicas since each started, and of several hundred callers a replica at most.',
    empty: 'No clients are configured. Add one under clients: in the configuration file.',
    client: 'Client',
    lastUsed: 'Last used',
    scopes: 'Scopes',
    apps: 'Apps',
    allApps: 'all',
    rate: 'Rate',
    rateOf: (perSecond: number, burst: number) => `${perSecond}/s, burst ${burst}`,
    noRate: 'default',
    reads: 'Reads',
    reports: 'Reports',
    refused: 'Refused',
    keys: 'Keys',
    kind: { key: 'key', jwt: 'JWT', certificate: 'certificate' },
    on: (replica: string) => ` on ${replica}`,
    uses: (n: string) => `${n} uses`,
    expires: (when: string) => `expires ${when}`,
    expired: 'expired',
    unusedKey: 'never used: remove it if nobody needs it',
    noKeys: 'no key',
  },
  system: {
    title: 'System',
    replicas: 'Replicas',
    replica: 'Replica',
    version: 'Version',
    started: 'Started',
    seen: 'Last seen',
    lag: 'Lag',
    config: 'Configuration',
    here: 'answers this page',
    gone: 'gone',
    up: 'up',
    status: 'State',
    store: 'Store',
    memory: 'Memory of this process',
    memoryHint: 'Tokens are lost at a restart, and there can be one replica only. Use Redis in production.',
    redis: 'Redis',
    storeOk: 'answers',
    storeBad: 'does not answer',
    since: (duration: string) => `for ${duration}`,
    platforms: 'Platforms',
    host: 'Host',
    appsOf: (apps: number, failing: number) =>
      failing === 0 ? count(apps, 'app') : `${count(apps, 'app')}, ${failing} failing`,
    reachable: 'reachable',
    unreachable: 'not reachable',
    partlyReachable: 'not from every replica',
    unreachableFrom: (replicas: readonly string[]) => `Not from ${named(replicas)}`,
    lastAnswer: 'Last answer',
    noPlatforms: 'No platform was asked yet.',
    loaded: 'Loaded',
    hash: 'SHA-256',
    faults: 'Faults of the newer file',
    restart: 'Need a restart',
    good: 'in force',
    faulty: 'the newer file has faults; the older one stays in force',
  },
  finding: {
    more: (n: number) => `Show ${count(n, 'more problem')}`,
    less: 'Show less',
    show: 'Show',
    label: 'What is wrong now',
    clear: 'All recovered',
    linkLost: (since: string) => ({
      what: `The broker has not answered since ${since}.`,
      todo: 'What you see is from then. The page connects again by itself; check that the broker runs and that your network reaches it.',
    }),
    storeDown: (kind: string, since: string, message: string) => ({
      what: `${kind} ${since === '' ? 'is gone' : `has been gone for ${since}`}: tokens are served from memory, and replicas cannot agree.`,
      todo: message,
    }),
    platformDown: (host: string, failing: number, from: readonly string[] | null) => ({
      what: `${
        from === null
          ? `${host} cannot be reached`
          : `${from.length === 1 ? 'Replica' : 'Replicas'} ${named(from)} cannot reach ${host}`
      }${failing > 0 ? `: ${count(failing, 'app')} cannot be refreshed` : ''}.`,
      todo: 'Tokens are served until they expire. Check DNS, the way out (proxy, firewall) and the platform’s own status.',
    }),
    replicaGone: (ids: readonly string[], seen: string) => ({
      what: `${ids.length === 1 ? 'Replica' : 'Replicas'} ${named(ids)} ${ids.length === 1 ? 'is' : 'are'} gone; last seen ${seen}.`,
      todo: 'The others serve on. Look at its log or restart it, unless somebody scaled down.',
    }),
    appError: (apps: readonly string[], code: string, message: string, isServed: boolean) => ({
      what: `${named(apps)}: ${apps.length === 1 ? 'its' : 'their'} token ${isServed ? 'cannot be refreshed' : 'is missing'}: ${code}${code && message && ' '}${message}`,
      todo: '',
    }),
    suspect: (apps: readonly string[], reason: string) => ({
      what: `${named(apps)}: the token is suspect${reason && ` (${reason})`}; it may be dead.`,
      todo: 'The broker tests and replaces it by itself. If it stays so, test the token and look for somebody else who fetches with this AppSecret.',
    }),
    noToken: (apps: readonly string[]) => ({
      what: `${named(apps)}: there is no living token.`,
      todo: 'Open the app and look at its last problem.',
    }),
    disagree: (apps: readonly string[], replicas: readonly string[]) => ({
      what: `${named(replicas)} ${replicas.length === 1 ? 'shows' : 'show'} another token for ${named(apps)}.`,
      todo: 'Callers of that replica may hold an old token. Check its connection to Redis; restarting it is safe.',
    }),
    configFaulty: (fault: string) => ({
      what: `The newer configuration file has a fault: ${fault}`,
      todo: 'The older one stays in force. Correct the file; it is read again within seconds.',
    }),
    restart: (keys: readonly string[]) => ({
      what: `${keys.join(', ')} changed, which takes a restart.`,
      todo: 'Restart the replicas one after the other; tokens stay.',
    }),
    configDiffers: (ids: readonly string[]) => ({
      what: `${named(ids)} ${ids.length === 1 ? 'runs' : 'run'} with another configuration than this replica.`,
      todo: 'Wait for the roll-out to end, or give all replicas the same file.',
    }),
    budget: (apps: readonly string[]) => ({
      what: `${named(apps)}: nine tenths of today's fetches are used.`,
      todo: 'Find out what fetches so often: the timeline of the app names the reasons.',
    }),
  },
};

export type Messages = typeof en;
