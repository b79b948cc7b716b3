import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import {
  APP,
  OTHER_APP,
  CLIENT,
  ENCRYPTION_KEY,
  HASH,
  faultsOf,
  file,
  inFolder,
  load,
  loadText,
  withApp,
  withAudit,
  ISSUER,
  withClient,
  withEgress,
  withIssuers,
  withRedis,
  withRefresh,
  withServer,
  withTracing,
} from '../../test/support/config-file.js';
import { SELF_SIGNED } from '../../test/support/test-certificates.js';
import { loadConfig } from './load-config.js';

const OTHER_KEY = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;

describe('a fault', () => {
  const name =
    'must be a name of up to 63 lower-case letters, digits, dots, dashes and underscores, a letter or digit first';
  const url = 'must be an http or https URL, such as https://api.weixin.qq.com';
  const appId =
    "the AppID from the platform's console, wx and 16 hex digits in lower case, such as wx0123456789abcdef";
  const redisUrl = 'must be a URL like redis://user:password@host:6379/0, or rediss:// for TLS';
  const secret = '{ file: PATH }, { env: NAME } or the text itself';
  const key = '`access-token-broker keygen --encryption` makes one';
  const scopes =
    'token:read, token:refresh, token:admin, ticket:read, login, login:tokens, login:session-key, users:read, gateway, gateway:admin, console, console:act';
  const nodes = [{ host: 'a', port: 1 }];
  const collector =
    'must be the URL to which a collector takes OTLP over HTTP, such as http://collector:4318/v1/traces';

  // prettier-ignore
  it.each<[string, unknown, string]>([
    ['port as a word', withServer({ port: 'abc' }), 'server.port: must be a whole number from 0 to 65535, got "abc"'],
    ['port too high', withServer({ port: 65536 }), 'server.port: must be a whole number from 0 to 65535, got 65536'],
    ['port left empty', withServer({ port: null }), 'server.port: must be a whole number from 0 to 65535, got nothing'],
    ['host with a space', withServer({ host: 'a b' }), 'server.host: must be an address or a host name, got "a b"'],
    ['log level', withServer({ logLevel: 'loud' }), 'server.logLevel: must be one of fatal, error, warn, info, debug, trace, silent, got "loud"'],
    ['docs as text', withServer({ docs: 'yes' }), 'server.docs: must be true or false, got "yes"'],
    ['trustProxy as a number', withServer({ trustProxy: 1 }), 'server.trustProxy: a number of hops is ignored by the HTTP server; list your proxies instead, such as [10.0.0.0/8]'],
    ['trustProxy as text', withServer({ trustProxy: 'all' }), 'server.trustProxy: must be false or a list of addresses and CIDRs, got "all"'],
    ['trustProxy for everybody', withServer({ trustProxy: true }), 'server.trustProxy: would let every caller say which address it has; list your proxies instead, such as [10.0.0.0/8]'],
    ['trustProxy with a bad CIDR', withServer({ trustProxy: ['::1', '10.0.0.0/33'] }), 'server.trustProxy[1]: must be an address or a CIDR, such as 10.0.0.0/8, got text of 11 characters'],
    ['section as a number', withServer(5), 'server: must be a mapping (key: value), got a number'],
    ['section as a list', withServer([]), 'server: must be a mapping (key: value), got an empty list'],
    ['section left empty', withServer(null), 'server: must be a mapping (key: value), got nothing'],

    ['metrics of an app as text', file({ metrics: { perApp: 'some' } }), 'metrics.perApp: must be one of all, problems, none, or false, got "some"'],
    ['metrics of an app as true', file({ metrics: { perApp: true } }), 'metrics.perApp: must be one of all, problems, none, or false, got true'],

    ['mistyped key', withApp({ app_Secrt: 's' }), 'apps[0].app_Secrt: is not a known key; did you mean appSecret?'],
    ['unknown key', file({ colour: 1 }), 'colour: is not a known key; known are server, redis, encryption, audit, metrics, tracing, apps, clients, configDir, identities, rate, auth, limits, gateway, egress, console'],
    ['key with a secret in it', withServer({ 'appSecret:abc123': null }), 'server.(a key not shown, it may hold a secret): is not a known key; known are port, adminPort, host, logLevel, docs, trustProxy, drainSeconds, tls'],
    ['key that objects inherit', withServer({ constructor: 1 }), 'THE_FILE: constructor is not a known key'],

    ['app of a mapping as a number', file({ apps: { shop: 1 }, clients: [{ ...CLIENT, apps: '*' }] }), 'apps.shop: must be a mapping (key: value), got a number'],
    ['app of a mapping with another name inside', file({ apps: { shop: { ...APP, name: 'club' } } }), 'apps.shop.name: must be the name under which the mapping has it, or left out'],
    ['app of a mapping with a fault', file({ apps: { shop: { ...APP, grant: 'x' } } }), 'apps.shop.grant: must be one of stable, classic, got "x"'],
    ['apps as text', file({ apps: 'shop', clients: [{ ...CLIENT, apps: '*' }] }), 'apps: must be a list, got text'],
    ['app as text', file({ apps: [APP, 'shop'] }), 'apps[1]: must be a mapping (key: value), got text'],
    ['app left empty', file({ apps: [APP, null] }), 'apps[1]: must be a mapping (key: value), got nothing'],
    ['app as a list', file({ apps: [APP, [APP]] }), 'apps[1]: must be a mapping (key: value), got a list'],
    ['app without appId', withApp({ appId: undefined }), `apps[0].appId: must be set: ${appId}`],
    ['AppID of another kind', withApp({ appId: 'gh_0123456789ab' }), `apps[0].appId: must be ${appId}, got text of 15 characters; character 1 is another letter`],
    ['AppID that is cut off', withApp({ appId: 'wx0123456789abcde' }), `apps[0].appId: must be ${appId}, got text of 17 characters`],
    ['AppID in capitals', withApp({ appId: 'wx0123456789abCdef' }), `apps[0].appId: must be ${appId}, got text of 18 characters; character 15 is another letter`],
    ['AppID with a space behind', withApp({ appId: 'wx0123456789abcdef ' }), `apps[0].appId: must be ${appId}, got text of 19 characters; character 19 is a space`],
    ['app name', file({ apps: [APP, { ...OTHER_APP, name: 'Shop!' }] }), `apps[1].name: ${name}, got "Shop!"`],
    ['app name twice', file({ apps: [APP, { ...OTHER_APP, name: 'shop' }] }), 'apps[1].name: is the same as apps[0].name; it must be its own'],
    ['provider', withApp({ provider: 'icq' }), 'apps[0].provider: must be one of wechat, wecom, oauth2, qq, got "icq"'],
    ['grant of QQ', file({ apps: [APP, { name: 'fans', provider: 'qq', appId: '101234567', appSecret: 'k'.repeat(32), grant: 'stable' }] }), 'apps[1].grant: is not a known key; known are name, provider, refresh, egress, type, appId, appSecret, apiBaseUrl, login'],
    ['grant', withApp({ grant: 'old' }), 'apps[0].grant: must be one of stable, classic, got "old"'],
    ['type', withApp({ type: 'qq' }), 'apps[0].type: must be one of official_account, mini_program, website, got "qq"'],
    ['grant of an app without a token', withApp({ type: 'website', grant: 'stable' }), 'apps[0].grant: must be left out: an app of type website has no access token'],
    ['one AppID of two types', file({ apps: [APP, { ...APP, name: 'mini', type: 'mini_program' }] }), 'apps[1].type: is not that of apps[0], which has the same appId: an AppID is of one type'],
    ['base URL without scheme', withApp({ apiBaseUrl: 'api.weixin.qq.com' }), `apps[0].apiBaseUrl: ${url}`],
    ['base URL of another scheme', withApp({ apiBaseUrl: 'ftp://host' }), `apps[0].apiBaseUrl: ${url}`],
    ['base URL with a password', withApp({ apiBaseUrl: 'http://u:p@host' }), 'apps[0].apiBaseUrl: must be a URL without user, password, query and fragment'],
    ['base URL with a query', withApp({ apiBaseUrl: 'http://host/?a=1' }), 'apps[0].apiBaseUrl: must be a URL without user, password, query and fragment'],

    ['redirect URIs as text', withApp({ login: { redirectUris: 'https://a.example/' } }), 'apps[0].login.redirectUris: must be a list of addresses, got text of 18 characters'],
    ['callback over http', withApp({ login: { callbackBaseUrl: 'http://login.example.com' } }), 'apps[0].login.callbackBaseUrl: must be the https URL at which browsers reach this broker, such as https://login.example'],

    ['secret missing', withApp({ appSecret: undefined }), `apps[0].appSecret: must be set: ${secret}`],
    ['secret of digits without quotes', withApp({ appSecret: 1234 }), 'apps[0].appSecret: must be text: put it in quotes'],
    ['secret from two places', withApp({ appSecret: { env: 'A', file: 'b' } }), `apps[0].appSecret: must be ${secret}`],
    ['secret from an unset variable', withApp({ appSecret: { env: 'NOT_SET' } }), 'apps[0].appSecret: the environment variable NOT_SET is not set or empty'],
    ['secret from a missing file', withApp({ appSecret: { file: '/no/such' } }), 'apps[0].appSecret: cannot read /no/such: ENOENT: no such file or directory'],
    ['secret from a folder', withApp({ appSecret: { file: '/' } }), 'apps[0].appSecret: cannot read /: is a folder'],
    ['secret from a device', withApp({ appSecret: { file: '/dev/zero' } }), 'apps[0].appSecret: cannot read /dev/zero: is no regular file'],

    ['seconds below 0', withRefresh({ jitterSeconds: -1 }), 'apps[0].refresh.jitterSeconds: must be a number of seconds from 0 to 86400, got -1'],
    ['seconds of 0', withRefresh({ aheadSeconds: 0 }), 'apps[0].refresh.aheadSeconds: must be a number of seconds from 0.01 to 86400, got 0'],
    ['seconds as text', withRefresh({ reconcileSeconds: '5s' }), 'apps[0].refresh.reconcileSeconds: must be a number of seconds from 0.01 to 3600, got "5s"'],
    ['budget of 0', withRefresh({ dailyBudget: 0, forcedDailyBudget: 0 }), 'apps[0].refresh.dailyBudget: must be a whole number from 1 to 500000, got 0'],
    ['budget with a fraction', withRefresh({ forcedDailyBudget: 1.5 }), 'apps[0].refresh.forcedDailyBudget: must be a whole number from 0 to 500000, got 1.5'],
    ['forced budget above all', withRefresh({ dailyBudget: 10, forcedDailyBudget: 11 }), 'apps[0].refresh.forcedDailyBudget: must be at most dailyBudget: 11 is more than 10'],
    ['lease too short', withRefresh({ upstreamTimeoutSeconds: 14.5 }), 'apps[0].refresh.leaseSeconds: must exceed upstreamTimeoutSeconds by at least 1: 15 against 14.5; raise it or lower upstreamTimeoutSeconds'],

    ['hash as text', withClient({ keySha256: HASH }), 'clients[0].keySha256: must be a list, got text'],
    ['no hash', withClient({ keySha256: [] }), 'clients[0].keySha256: must list one or two hashes, the second while a key is being replaced'],
    ['three hashes', withClient({ keySha256: ['1', '2', '3'].map((digit) => digit.repeat(64)) }), 'clients[0].keySha256: must list one or two hashes, the second while a key is being replaced'],
    ['hash too short', withClient({ keySha256: [HASH, 'abc'] }), 'clients[0].keySha256[1]: must be a SHA-256 of 64 hex digits and has 3 characters; `access-token-broker keygen` prints a key with its hash'],
    ['hash of digits without quotes', withClient({ keySha256: [1e63] }), 'clients[0].keySha256[0]: must be text of 64 hex digits: put it in quotes'],
    ['key in place of its hash', withClient({ keySha256: ['tbk_raw'] }), 'clients[0].keySha256[0]: this is the key itself; put its SHA-256 here and keep the key with the caller'],
    ['hash of two callers', file({ clients: [CLIENT, { ...CLIENT, name: 'b', keySha256: [HASH.toUpperCase()] }] }), 'clients[1].keySha256[0]: is the same as clients[0].keySha256[0]; it must be its own'],
    ['caller name twice', file({ clients: [CLIENT, { ...CLIENT, keySha256: ['b'.repeat(64)] }] }), 'clients[1].name: is the same as clients[0].name; it must be its own'],
    ['unknown app', withClient({ apps: ['shop', 'shpo'] }), 'clients[0].apps[1]: no app is named "shpo"; did you mean shop?'],
    ['all apps in a list', withClient({ apps: ['*'] }), 'clients[0].apps[0]: for all apps write apps: "*", without a list'],
    ['a client without apps', withClient({ apps: [] }), 'clients[0].apps: must be a list of names of apps, or "*" for all, got an empty list'],
    ['a merge of YAML 1.1', withServer({ '<<': { port: 1 } }), 'server.<<: is not a known key; a mapping can be repeated whole (key: *name), not merged'],
    ['a key where there are none', file({ console: { port: 1 } }), 'console.port: is not a known key; there are none here'],
    ['one app without a list', withClient({ apps: 'shop' }), 'clients[0].apps: must be a list of names of apps, or "*" for all, got "shop"'],
    ['scope', withClient({ scopes: ['token:read', 'read'] }), `clients[0].scopes[1]: must be one of ${scopes}, got "read"`],
    ['promise too short', withClient({ maxExpiresInSeconds: 59 }), 'clients[0].maxExpiresInSeconds: must be a whole number from 60 to 7200, got 59'],
    ['promise too long', withClient({ maxExpiresInSeconds: 7201 }), 'clients[0].maxExpiresInSeconds: must be a whole number from 60 to 7200, got 7201'],
    ['promise of a fraction', withClient({ maxExpiresInSeconds: 300.5 }), 'clients[0].maxExpiresInSeconds: must be a whole number from 60 to 7200, got 300.5'],
    ['gateway without calls', withClient({ scopes: ['gateway'] }), 'clients[0].gateway: must list what the scope gateway is for: set gateway.allow'],
    ['virtual tokens without a key', withClient({ virtualTokens: true, scopes: ['gateway'], gateway: { allow: ['GET /a'] } }), `clients[0].virtualTokens: needs an encryption key, which seals them: list one under encryption.keys; ${key}`],
    ['virtual tokens without the scope', file({ encryption: { keys: [{ id: 'k', key: 'A'.repeat(43) + '=' }] }, clients: [{ ...CLIENT, virtualTokens: true }] }), 'clients[0].virtualTokens: needs the scope gateway, because virtual tokens are good for calls through the broker only'],
    ['calls without the scope', withClient({ gateway: { allow: ['GET /a'] } }), 'clients[0].gateway: needs the scope gateway: add it to scopes, or remove this'],
    ['no call', withClient({ scopes: ['gateway'], gateway: { allow: [] } }), 'clients[0].gateway.allow: must list 1 to 500 calls, such as POST /cgi-bin/message/**'],
    ['call without a method', withClient({ scopes: ['gateway'], gateway: { allow: ['/cgi-bin/user/info'] } }), 'clients[0].gateway.allow[0]: must be a method and a path, such as GET /cgi-bin/user/info or POST /cgi-bin/message/**, got text of 18 characters'],
    ['call with half a wildcard', withClient({ scopes: ['gateway'], gateway: { allow: ['GET /cgi-bin/us*'] } }), 'clients[0].gateway.allow[0]: must be a method and a path, such as GET /cgi-bin/user/info or POST /cgi-bin/message/**, got text of 16 characters'],
    ['body too large', withClient({ scopes: ['gateway'], gateway: { allow: ['GET /a'], maxBodyBytes: 'all' } }), 'clients[0].gateway.maxBodyBytes: must be a whole number from 0 to 1073741824, got "all"'],
    ['no call in flight', file({ gateway: { maxInFlightPerApp: 0 } }), 'gateway.maxInFlightPerApp: must be a whole number from 1 to 100000, got 0'],
    ['spool in no absolute path', file({ gateway: { spoolDirectory: 'spool' } }), 'gateway.spoolDirectory: must be the absolute path of a directory, got "spool"'],
    ['no scope', withClient({ scopes: [] }), `clients[0].scopes: must list at least one of ${scopes}`],

    ['Redis without encryption', file({ redis: { url: 'redis://host' } }), 'encryption: must be set with redis, or tokens would be stored in clear: make a key with `access-token-broker keygen --encryption` and list it under encryption.keys in the file that BROKER_CONFIG names'],
    ['Redis URL of another scheme', withRedis({ url: 'http://host' }), `redis.url: ${redisUrl}`],
    ['Redis URL without host', withRedis({ url: 'redis:///0' }), `redis.url: ${redisUrl}`],
    ['Redis nowhere', withRedis({}), 'redis: must have exactly one of url, sentinels and clusterNodes, got none'],
    ['Redis database that is no number', withRedis({ url: 'redis://host/abc' }), 'redis.url: must end with the number of a database, such as /0, or with none'],
    ['Redis URL with parameters', withRedis({ url: 'redis://host/0?password=canary' }), 'redis.url: must have nothing after the number of the database'],
    ['Redis password with a bare %', withRedis({ url: 'redis://user:pa%ss@host' }), 'redis.url: must have its user and password percent-encoded: % is %25'],
    ['Redis in two places', withRedis({ url: 'redis://host', clusterNodes: nodes }), 'redis: must have exactly one of url, sentinels and clusterNodes, got url and clusterNodes'],
    ['sentinels without name', withRedis({ sentinels: nodes }), 'redis: sentinels and name go together: name is what the sentinels call the primary'],
    ['password twice', withRedis({ url: 'redis://:a@host', password: 'p' }), 'redis.password: redis.url has a password as well; remove one of them'],
    ['sentinel password without sentinels', withRedis({ url: 'redis://host', sentinelPassword: 'p' }), 'redis: sentinelUsername and sentinelPassword are for sentinels: set sentinels or remove them'],
    ['node without port', withRedis({ clusterNodes: [{ host: 'a' }] }), 'redis.clusterNodes[0].port: must be set: a whole number from 1 to 65535'],
    ['key prefix with braces', withRedis({ url: 'redis://host', keyPrefix: '{a}' }), 'redis.keyPrefix: must be up to 64 characters without spaces and braces, got "{a}"'],
    ['TLS authority', withRedis({ url: 'rediss://host', tls: { ca: 'x' } }), 'redis.tls.ca: must be certificates in PEM'],
    ['encryption key too short', file({ encryption: { keys: [{ id: 'k', key: 'c2hvcnQ=' }] } }), `encryption.keys[0].key: must be 32 bytes in base64; ${key}`],
    ['no encryption key', file({ encryption: { keys: [] } }), `encryption.keys: must list at least one key; ${key}`],
    ['audited reads', withAudit({ reads: 'some' }), 'audit.reads: must be one of sampled, all, none, got "some"'],
    ['audit file by a relative path', withAudit({ destination: 'audit.log' }), 'audit.destination: must be stdout, stderr or the absolute path of a file, got text of 9 characters'],
    ['audit file that is a folder', withAudit({ destination: '/var/log/' }), 'audit.destination: must be stdout, stderr or the absolute path of a file, got text of 9 characters'],
    ['no collector', file({ tracing: {} }), `tracing.endpoint: ${collector}`],
    ['collector of another protocol', withTracing({ endpoint: 'grpc://collector:4317' }), `tracing.endpoint: ${collector}`],
    ['collector with a key in the URL', withTracing({ endpoint: 'https://collector/v1/traces?key=k' }), 'tracing.endpoint: must be a URL without user, password, query and fragment; use headers'],
    ['sample ratio as percent', withTracing({ sampleRatio: 10 }), 'tracing.sampleRatio: must be a number from 0 to 1, got 10'],
    ['tracing headers as text', withTracing({ headers: 'authorization: x' }), 'tracing.headers: must be a mapping (header: where its value is), got text'],
    ['tracing header from an unset variable', withTracing({ headers: { 'x-key': { env: 'NOT_SET' } } }), 'tracing.headers.x-key: the environment variable NOT_SET is not set or empty'],
    ['tracing header of two lines', withTracing({ headers: { 'x-key': 'a\r\nb: c' } }), 'tracing.headers.x-key: must be visible ASCII characters on one line: character 2 is a carriage return'],
    ['tracing header of a wrong name', withTracing({ headers: { 'x key: s3cret': 'v' } }), 'tracing.headers: has a header, not shown, whose name has other characters than letters, digits and dashes'],
    ['proxy that is no URL', withEgress({ proxy: 'proxy:3128' }), 'egress.proxy: must be the URL of a proxy like http://host:3128, or https:// for TLS to the proxy'],
    ['proxy with a path', withEgress({ proxy: 'http://proxy:3128/a' }), 'egress.proxy: must have nothing after the port: a proxy has no path'],
    ['proxy with a bare @ in its password', withEgress({ proxy: 'http://u:a/b@proxy:3128' }), 'egress.proxy: must be the URL of a proxy like http://host:3128, or https:// for TLS to the proxy; # / ? and @ in a user or password must be percent-encoded (%23 %2F %3F %40), or give the password as proxyPassword'],
    ['proxy password twice', withEgress({ proxy: 'http://u:p@proxy:3128', proxyPassword: 'q' }), 'egress.proxyPassword: proxy has a password as well; remove one of them'],
    ['proxy password without a proxy', withEgress({ proxyPassword: 'q' }), 'egress.proxyPassword: is for the proxy that proxy names: set proxy or remove this'],
    ['proxy user with a colon', withEgress({ proxy: 'http://proxy', proxyUsername: 'a:b' }), 'egress.proxyUsername: must be a user name, got "a:b"'],
    ['two proxies', withApp({ egress: { proxy: 'http://proxy', proxyFromEnvironment: true } }), 'apps[0].egress.proxyFromEnvironment: proxy is set as well; remove one of them'],
    ['authority of a proxy that is cut off', withEgress({ ca: SELF_SIGNED.cert.slice(0, 300) }), 'egress.ca: must be certificates in PEM: certificate 1 cannot be read'],
    ['second authority that is cut off', withApp({ egress: { ca: SELF_SIGNED.cert + SELF_SIGNED.cert.slice(0, 90) } }), 'apps[0].egress.ca: must be certificates in PEM: certificate 2 cannot be read'],
    ['authority in a missing file', withEgress({ ca: { file: '/no/such' } }), 'egress.ca: cannot read /no/such: ENOENT: no such file or directory'],
    ['local address that is a name', withEgress({ localAddress: 'eth0' }), 'egress.localAddress: must be an IP address of this host, such as 10.0.0.5'],
    ['client without a key or a subject', file({ clients: [{ ...CLIENT, keySha256: undefined }] }), 'clients[0].keySha256: must be set, or keys, subjects or certificates: nobody can be this caller; `access-token-broker keygen` prints a key with its hash'],
    ['subject without issuers', withClient({ subjects: [{ sub: 'a' }] }), 'clients[0].subjects[0]: needs an issuer whose JWTs are taken: list it under identities.jwt'],
    ['subject of an unknown issuer', withIssuers([ISSUER], { subjects: [{ issuer: 'https://login.exampel', sub: 'a' }] }), 'clients[0].subjects[0].issuer: is no issuer in identities.jwt; did you mean https://login.example?'],
    ['subject of an issuer like none', withIssuers([ISSUER], { subjects: [{ issuer: 'x', sub: 'a' }] }), 'clients[0].subjects[0].issuer: is no issuer in identities.jwt; list it there, or name one that is'],
    ['subject of one of two issuers', withIssuers([ISSUER, { ...ISSUER, issuer: 'b' }], { subjects: [{ sub: 'a' }] }), 'clients[0].subjects[0].issuer: must be set: there are 2 issuers in identities.jwt'],
    ['subject of nobody', withIssuers([ISSUER], { subjects: [{ issuer: ISSUER.issuer }] }), 'clients[0].subjects[0]: must have one of sub and kubernetes: whose JWTs are this caller; got none'],
    ['subject of two', withIssuers([ISSUER], { subjects: [{ sub: 'a', kubernetes: { namespace: 'a', serviceAccount: 'b' } }] }), 'clients[0].subjects[0]: must have one of sub and kubernetes: whose JWTs are this caller; got both'],
    ['ServiceAccount without a name', withIssuers([ISSUER], { subjects: [{ kubernetes: { namespace: 'a' } }] }), 'clients[0].subjects[0].kubernetes.serviceAccount: must be set: a name as Kubernetes has it: lower-case letters, digits, dots and dashes'],
    ['subject twice, in other words', withIssuers([ISSUER], { subjects: [{ sub: 'system:serviceaccount:a:b' }, { issuer: ISSUER.issuer, kubernetes: { namespace: 'a', serviceAccount: 'b' } }] }), 'clients[0].subjects[1]: is the same as clients[0].subjects[0]; it must be its own'],
    ['issuer twice', withIssuers([ISSUER, ISSUER]), 'identities.jwt[1].issuer: is the same as identities.jwt[0].issuer; it must be its own'],
    ['no issuer', withIssuers([]), 'identities.jwt: must list at least one issuer, or be left out'],
    ['issuer without an audience', withIssuers([{ ...ISSUER, audience: undefined }]), 'identities.jwt[0].audience: must be set: text of 1 to 255 visible ASCII characters without spaces'],
    ['issuer without keys', withIssuers([{ ...ISSUER, jwksUri: undefined }]), 'identities.jwt[0]: must have one of jwksUri and jwks, where the keys of the issuer are; got none'],
    ['issuer with keys in two places', withIssuers([{ ...ISSUER, jwks: '{"keys":[{}]}' }]), 'identities.jwt[0]: must have one of jwksUri and jwks, where the keys of the issuer are; got both'],
    ['keys that are no URL', withIssuers([{ ...ISSUER, jwksUri: 'login' }]), 'identities.jwt[0].jwksUri: must be the URL of a JWKS, such as https://login.example/.well-known/jwks.json, got "login"'],
    ['keys over plain HTTP', withIssuers([{ ...ISSUER, jwksUri: 'http://login.example/jwks' }]), 'identities.jwt[0].jwksUri: must begin with https://, because others on the way could put in keys of their own: http:// is for loopback addresses only'],
    ['keys with a password', withIssuers([{ ...ISSUER, jwksUri: 'https://a:b@login.example/jwks' }]), 'identities.jwt[0].jwksUri: must be a URL without user, password and fragment'],
    ['keys that are none', withIssuers([{ ...ISSUER, jwksUri: undefined, jwks: '{}' }]), 'identities.jwt[0].jwks: must be a JWKS: JSON such as {"keys": […]}'],
    ['private keys', withIssuers([{ ...ISSUER, jwksUri: undefined, jwks: '{"keys":[{"kty":"EC","d":"AA"}]}' }]), 'identities.jwt[0].jwks: must have public keys only: this one holds a private or a shared key; take it out, and replace it at its issuer'],
    ['authority that is not there', withIssuers([{ ...ISSUER, caFile: '/no/such' }]), 'identities.jwt[0].caFile: cannot read /no/such: ENOENT: no such file or directory'],
    ['authority that is none', withIssuers([{ ...ISSUER, caFile: '/etc/hostname' }]), 'identities.jwt[0].caFile: must be certificates in PEM'],
    ['token that is not there', withIssuers([{ ...ISSUER, tokenFile: '/no/such' }]), 'identities.jwt[0].tokenFile: cannot read /no/such: ENOENT: no such file or directory'],
    ['authority of keys that stand here', withIssuers([{ ...ISSUER, jwksUri: undefined, jwks: '{"keys":[{}]}', tokenFile: '/etc/hostname' }]), 'identities.jwt[0].tokenFile: is for jwksUri: set that in place of jwks, or remove this'],

    ['one port for two', withServer({ port: 8080, adminPort: 8080 }), 'server.adminPort: must be another port than server.port'],
    ['certificate without a key', withServer({ tls: { cert: SELF_SIGNED.cert } }), `server.tls.key: must be set: ${secret}`],
    ['key of another certificate', withServer({ tls: { cert: SELF_SIGNED.cert, key: OTHER_KEY } }), 'server.tls.key: does not belong to the certificate in server.tls.cert'],
    ['key that is none', withServer({ tls: { cert: SELF_SIGNED.cert, key: SELF_SIGNED.cert } }), 'server.tls.key: must be a private key in PEM'],
    ['key with a passphrase', withServer({ tls: { cert: SELF_SIGNED.cert, key: '-----BEGIN ENCRYPTED PRIVATE KEY-----' } }), 'server.tls.key: must have no passphrase: the broker has nobody to ask for it'],
    ['callers with certificates of nobody', withClient({ certificates: [{ san: 'a.b' }] }), 'clients[0].certificates[0].san: needs server.tls.clientCa, the authority of such certificates'],
    ['certificate twice', { ...withClient({ certificates: [{ san: 'a.b' }, { san: 'a.b' }] }), server: { tls: { ...SELF_SIGNED, clientCa: SELF_SIGNED.cert } } }, 'clients[0].certificates[1].san: is the same as clients[0].certificates[0].san; it must be its own'],
    ['certificate by a name of many', { ...withClient({ certificates: [{ san: '*.b' }] }), server: { tls: { ...SELF_SIGNED, clientCa: SELF_SIGNED.cert } } }, 'clients[0].certificates[0].san: must be a DNS name in lower case, such as orders.shop.svc, or a URI, such as spiffe://…, got "*.b"'],

    ['encryption id twice', file({ encryption: { keys: ['k', 'k'].map((id) => ({ id, key: ENCRYPTION_KEY })) } }), 'encryption.keys[1].id: is the same as encryption.keys[0].id; it must be its own'],
  ])('of this kind is told alone, with its remedy: %s', (_, tree, expected) => {
    expect(faultsOf(() => load(tree))).toEqual([expected.replace('THE_FILE', inFolder('broker.yaml'))]);
  });

  it('is told together with all others, each on a line', () => {
    const tree = {
      server: { port: -1, trustProxy: ['x'] },
      redis: { url: 'redis://host' },
      apps: [
        { ...APP, appSecret: { file: '/no/such' } },
        { name: 'shop', grant: 'x' },
      ],
      clients: [{ ...CLIENT, apps: ['nowhere'], extra: 1 }, 'text'],
    };
    expect(faultsOf(() => load(tree)).map((line) => line.split(': ')[0])).toEqual([
      'server.port',
      'server.trustProxy[0]',
      'apps[0].appSecret',
      'apps[1].appId',
      'apps[1].appSecret',
      'apps[1].grant',
      'clients[0].extra',
      'clients[1]',
      'apps[1].name',
      'clients[0].apps[0]',
      'encryption',
    ]);
  });

  it.each([
    [
      'no app',
      { clients: [{ ...CLIENT, apps: '*' }] },
      /^apps: no app is configured: without a file set BROKER_APP_ID and BROKER_APP_SECRET, else/,
    ],
    [
      'no caller',
      { apps: [APP] },
      /^clients: no caller is configured: without a file set BROKER_API_KEY, .*npm run keygen.* makes a key$/,
    ],
  ])('says what to set: %s', (_, tree, expected) => {
    expect(faultsOf(() => load(tree))).toEqual([expect.stringMatching(expected)]);
  });

  it('names a file that cannot be read', () => {
    expect(faultsOf(() => loadConfig({ BROKER_CONFIG: '/no/such.yaml' }))).toEqual([
      'BROKER_CONFIG: cannot read /no/such.yaml: ENOENT: no such file or directory',
    ]);
  });

  it('names a folder in place of a file', () => {
    const path = inFolder('folder');
    mkdirSync(path);
    expect(faultsOf(() => loadConfig({ BROKER_CONFIG: path }))).toEqual([
      `BROKER_CONFIG: cannot read ${path}: is a folder`,
    ]);
  });
});

describe('YAML that cannot be used', () => {
  // prettier-ignore
  it.each([
    ['a key twice in JSON', '{"apps": [],\n "apps": []}', 'at line 2, column 2: the same key stands twice in one mapping; remove one'],
    ['a key twice', 'apps: []\napps: []', 'at line 2, column 1: the same key stands twice in one mapping; remove one'],
    ['two documents', 'apps: []\n---\napps: []', 'at line 2, column 1: there is a second document; keep one and remove the line "---"'],
    ['an unknown tag', 'apps: !canary x', 'at line 1, column 7: an unknown tag; text that begins with ! needs quotes'],
    ['an unclosed quote', 'apps: "canary', 'at line 1, column 14: a bracket or quote is not closed, or a colon has no space after it'],
    ['a list as a key', '? [canary]\n: 1', 'at line 1, column 3: a key that is no text'],
  ])('is told by line and column, never by its text: %s', (_, text, expected) => {
    const [fault, ...more] = faultsOf(() => loadText(text));
    expect(fault).toBe(`${inFolder('broker.yaml')}: is not valid YAML ${expected}`);
    expect(more).toEqual([]);
  });

  it.each([
    [
      'aliases of aliases',
      `a0: &a0 [x]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`).join('\n')}`,
    ],
    ['an alias of nothing', 'apps: *canary'],
    ['an alias in itself', 'apps: &a [*a]'],
  ])('is refused for its aliases: %s', (_, text) => {
    expect(faultsOf(() => loadText(text))[0]).toMatch(/ has an alias .* inside its own, or too many of them/);
  });

  it.each([
    ['nothing', ''],
    ['a list', '[]'],
    ['text', 'canary'],
  ])('is refused when its root is %s', (_, text) => {
    expect(faultsOf(() => loadText(text))[0]).toMatch(/: must be a mapping with the keys server, apps,/);
  });
});
