/**
 * What to do, in Chinese: by platform and errcode, and for the broker's own texts by the text. What is missing is shown in
 * English.
 */
type Code = number | string;

const CONSENT = '微信要求管理员同意该 IP 地址：请在发给应用管理员的消息中确认。';
const USER_CONSENT = '用户需要重新授权；这是用户自己的授权，与应用的 access_token 无关。';

const WECHAT: Readonly<Record<Code, string>> = {
  [-1]: '微信系统繁忙，无需处理，稍后同样的调用会成功。',
  45011: '这一分钟调用太频繁，请降低频率，下一分钟再继续。',
  45009:
    '当日额度已用完：等到北京时间 00:00，或在微信后台清零；如果是获取 token 的额度，请查明还有谁在用这个 AppSecret，或改用 stable 方式。',
  40001: 'AppSecret 不是这个应用的：请填写微信后台为该 AppID 显示的 AppSecret。',
  40002: '微信不认识 grant_type：请确认 apiBaseUrl 指向微信，且途中没有改写请求。',
  40013: '微信不认识这个 AppID：请从微信后台复制，逐字核对。',
  40125: 'AppSecret 错误或已被重置：请填写微信后台为该 AppID 显示的 AppSecret。',
  40164: '把中控的出口 IP（见错误信息）加入公众平台（mp.weixin.qq.com）“开发”设置中的 IP 白名单。',
  40243: 'AppSecret 已被冻结：请在微信后台解冻，约十分钟后生效。',
  41002: 'AppID 没有送达微信：请设置 appId，并确认途中没有改写请求。',
  41004: 'AppSecret 没有送达微信：请设置 appSecret，并确认途中没有改写请求。',
  43002: '微信要的是 POST，却收到了 GET：请确认中控与微信之间没有改写请求的设备。',
  50004: '微信禁止该账号获取 token，可能是处罚：请看微信后台的通知。',
  50007: '账号已被冻结：请看微信后台的通知。',
  61024: '这个 AppID 是第三方平台，它的 token 来自 api_component_token：请配置应用本身的 AppID。',
  89501: CONSENT,
  89503: CONSENT,
  89506: '管理员两次拒绝了该 IP，微信将其封禁 24 小时：请先与管理员商定再试。',
  89507: '管理员拒绝了该 IP，微信将其封禁 1 小时：请先与管理员商定再试。',
  40014: '微信认为 access_token 无效：请向中控获取当前的 token。',
  42001: 'access_token 已过期：请向中控获取当前的 token。',
  41001: '调用时没有带 access_token：请向中控获取，并作为 access_token 参数发送。',
  48001: '应用无权使用该接口，或该接口不接受这种 token：请看微信后台的接口权限。',
  48004: '该账号因违规被封禁了这个接口：请看微信后台的通知。',
  50001: '用户或应用无权使用该接口，换新 token 也没有用。',
  50002: '账号或用户受限：请看微信后台的通知。',
  50005: '用户未关注该账号，因此无法送达。',
  40003: 'openid 错误或属于别的应用：请使用本应用收到的 openid。',
  40029: USER_CONSENT,
  40030: USER_CONSENT,
  40163: USER_CONSENT,
  42002: USER_CONSENT,
  42003: USER_CONSENT,
  42007: USER_CONSENT,
  42006: 'component_access_token 已过期：它由第三方平台自己的服务器提供。',
  40082: 'suite_access_token 无效：它由企业微信应用套件自己的服务器提供。',
  42009: 'suite_access_token 已过期：它由企业微信应用套件自己的服务器提供。',
};

const WECOM: Readonly<Record<Code, string>> = {
  [-1]: '企业微信系统繁忙，无需处理，稍后同样的调用会成功。',
  40001:
    'Secret 不是这个应用的、已被重置，或应用已停用：请填写企业微信后台为该应用显示的 Secret，并启用应用。',
  40013: '企业微信不认识这个 CorpID：请从后台“我的企业”复制。',
  40014: '企业微信认为 access_token 无效，或属于别的应用：请向中控获取当前的 token。',
  40056: 'AgentId 错误：请从企业微信后台的应用页面复制。',
  40091: 'Secret 错误：请填写企业微信后台为该应用显示的 Secret。',
  41002: 'CorpID 没有送达企业微信：请设置 corpId，并确认途中没有改写请求。',
  41004: 'Secret 没有送达企业微信：请设置 corpSecret，并确认途中没有改写请求。',
  42001: 'access_token 已过期：请向中控获取当前的 token。',
  45009:
    '调用太频繁：某接口每分钟或每小时超限，或一小时内约 2000 次被拒的获取，会封禁企业一小时。请查明是谁在频繁调用或使用错误的 Secret。',
  45033: '企业的并发调用太多：请降低并发。',
  48002: '应用无权使用该接口：请看企业微信后台的应用权限。',
  48004: '企业微信封禁了该企业的这个接口：请看企业微信后台的通知。',
  60020:
    '调用方 IP（见错误信息）不在可信 IP 内：请在企业微信后台该应用的“企业可信IP”中添加，约一分钟后生效。',
};

const BY_PROVIDER: Readonly<Record<string, Readonly<Record<Code, string>>>> = {
  wechat: WECHAT,
  wecom: WECOM,
};

/** Each begins a text of the broker. */
const BY_TEXT: readonly (readonly [begin: string, chinese: string])[] = [
  ['Bring Redis back', '请恢复 Redis 或到 Redis 的网络。在此之前，各副本继续提供手中的 token，直到过期。'],
  ['Correct the user and password in redis', '请改正 redis 的用户名和密码，或 Redis 中该用户的密码。'],
  ['Give the user in Redis the rights', '请给 Redis 用户授予 docs/redis.md 所列的权限。'],
  [
    'Give the CA of the certificate as redis.tls.ca',
    '请把证书的 CA 配置为 redis.tls.ca，证书名配置为 redis.tls.serverName。',
  ],
  ['This is a Redis Cluster', '这是 Redis Cluster：请在 redis.clusterNodes 中列出节点，而不是 redis.url。'],
  ['This is a replica, or a primary', '连到的是从节点，或没有从节点的主节点：请让 redis 指向主节点或哨兵。'],
  ['Redis is full', 'Redis 内存已满：请调大 maxmemory，并使用 noeviction 策略。'],
  [
    'Find out what fetched so often',
    '请查明为何频繁获取：指标 upstream_fetch_reasons_total 写有原因。在此之前可在平台允许的范围内调大 apps[].refresh.dailyBudget 或 forcedDailyBudget。',
  ],
  [
    'Nothing in the broker replaces it',
    '中控无法替换它：平台要等它过期才会给出另一个。想更快，可在平台后台重置 AppSecret 或联系平台客服。中控会不时重试。',
  ],
  [
    'Put the AppSecret where',
    '请把 AppSecret 放到 apps[].appSecret 指定的位置。文件几秒内会重新读取，并立即尝试。',
  ],
  [
    'Correct the file of apps[].appSecret',
    '请改正 apps[].appSecret 的文件：应为平台后台显示的 AppSecret。在此之前用旧的获取 token，但重启后就不行了。',
  ],
  [
    'Put the AppSecret back',
    '请把 AppSecret 放回 apps[].appSecret 指定的位置。在此之前用先前读到的获取 token，但重启后就不行了。',
  ],
  [
    'Have the callers ask that broker',
    '请让调用方去问那个中控，因为它会使本中控获取的 token 失效；或者停掉它：本中控会在 70 秒内接管，强制刷新则立即接管。',
  ],
  [
    'Report it again then',
    '若仍被拒绝，届时请再次报告。若 token 不断失效，说明还有别的程序用这个 AppSecret 获取：请找到它，让它改问本中控。',
  ],
  [
    'Nothing: one more fetch makes it certain',
    '无需处理：再获取一次即可确定，距上次获取超过 refresh.leaseSeconds 的两倍后就会进行。若调用方被拒绝，可以报告。',
  ],
  ['DNS knows no host', 'DNS 查不到该主机：请检查 apiBaseUrl 中的主机名和本机的 DNS 服务器。'],
  [
    'The platform gave no answer',
    '平台没有答复：请看“系统”页中该平台的状态，以及本副本的出口网络。没有可用于检测的接口的平台也不会答复。',
  ],
  ['It was reported in your name', '已以您的名义报告，正在更换：结果见时间线。'],
  [
    'Something else fetches with this AppSecret',
    '有别的程序在用这个 AppSecret 获取 token：请找到它，让它改问本中控，或重置 AppSecret。',
  ],
  ['Nothing listens at the address', '该地址没有程序监听，或被防火墙拒绝：请检查主机、端口和防火墙。'],
];

const LOOK_UP = /^Look errcode \S+ up/;

export function remedyInChinese(provider: string | null, errcode: Code | null, remedy: string): string {
  if (LOOK_UP.test(remedy)) return `请在平台的全局返回码中查询 ${errcode ?? ''}。`;
  const ofCode = errcode === null || provider === null ? undefined : BY_PROVIDER[provider]?.[errcode];
  return ofCode ?? BY_TEXT.find(([begin]) => remedy.startsWith(begin))?.[1] ?? remedy;
}
