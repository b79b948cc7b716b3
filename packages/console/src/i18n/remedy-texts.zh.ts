/** What the broker itself says is to be done, in Chinese, by how the English text begins. */
const FIREWALL = '出站防火墙、安全组、NetworkPolicy';
const IN_THE_MIDDLE = '中控与平台之间的设备（代理、防火墙、上网认证页），或 apiBaseUrl 指向的主机';
const KEEPS_TRYING = '中控会继续重试。';

const BY_TEXT: readonly (readonly [begin: string, chinese: string])[] = [
  ['Bring Redis back', '请恢复 Redis 或到 Redis 的网络。在此之前，各副本继续提供手中的 token，直到过期。'],
  ['Correct the user and password in redis', '请改正 redis 的用户名和密码，或 Redis 中该用户的密码。'],
  ['Give the user in Redis the rights', '请给 Redis 用户授予 docs/redis.md 所列的权限。'],
  [
    'Give the CA of the certificate as redis.tls.ca',
    '请把证书的 CA 配置为 redis.tls.ca，证书名配置为 redis.tls.serverName。',
  ],
  ['What listens there is no Redis', '那里监听的不是 Redis：请改正 redis 的主机和端口。'],
  [
    'This is a Redis, no sentinel',
    '这是 Redis，不是哨兵：请把它写入 redis.url 而不是 redis.sentinels，或改正哨兵的地址。',
  ],
  ['This Redis is no cluster', '这个 Redis 不是集群：请把它写入 redis.url，而不是 redis.clusterNodes。'],
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
    '若仍被拒绝，届时请再次上报。若 token 不断失效，说明还有别的程序用这个 AppSecret 获取：请找到它，让它改问本中控。',
  ],
  [
    'Nothing: one more fetch makes it certain',
    '无需处理：再获取一次即可确定，距上次获取超过 refresh.leaseSeconds 的两倍后就会进行。若调用方被拒绝，可以上报。',
  ],
  [
    'It was reported in your name',
    '已以你的名义上报，正在更换，结果见时间线。如果新的 token 也提前失效，说明有别的程序在用这个 AppSecret 获取：请找到它，让它改问本中控。',
  ],
  ['Look at the row of the platform', '请看“系统”页中该平台的状态，以及时间线里调用方的上报。'],
  [
    'Something else fetches with this AppSecret',
    '有别的程序在用这个 AppSecret 获取 token：请找到它，让它改问本中控，或重置 AppSecret。',
  ],
  ['Bring the store back', '请恢复存储或到存储的网络。在此之前，各副本继续提供手中的 token，直到过期。'],
  [
    'Correct the number at the end of redis.url',
    '请改正 redis.url 末尾的数据库编号，或让 Redis 提供该数据库并允许该用户选择它。',
  ],
  [
    'This Redis, or a proxy in front of it',
    '这个 Redis 或它前面的代理缺少中控需要的命令（见 docs/redis.md）：请换用支持这些命令的 Redis 或代理。',
  ],
  [
    'It passes when the move ends',
    '槽位迁移结束后会自行恢复；如果迁移中断，请用 redis-cli --cluster fix 收尾。',
  ],
  ['Find out who else writes to keys', '请查明还有谁在写中控的 Redis 键（以 redis.keyPrefix 开头）。'],
  [
    'Put the AppSecret that the platform shows',
    '请把平台后台显示的 AppSecret 放到 apps[].appSecret 指定的位置：没有它用户无法登录。文件几秒内会重新读取。',
  ],
  [
    'Nothing: the platform gives the next token a moment',
    '无需处理：平台在旧 token 到期片刻后才给出新的，中控会一直询问。若超过一分钟，请核对本机时钟。',
  ],
  [
    'Nothing about the ticket',
    'ticket 本身无需处理：请看应用的状态和最近的问题。应用有了平台接受的 token，就会立即获取 ticket。',
  ],
  ['Check tokenUrl', '请检查 tokenUrl：给出响应的不是 OAuth 2 服务器的 token 端点。'],
  [
    'Check that this host reaches the platform',
    `请检查本机能否访问平台：DNS、${FIREWALL}和 apiBaseUrl。${KEEPS_TRYING}`,
  ],
  [
    'DNS knows no such host',
    `DNS 查不到该主机：请逐字核对 apiBaseUrl 中的主机名，并确认本机使用的 DNS 服务器能解析公网域名。${KEEPS_TRYING}`,
  ],
  [
    'DNS does not answer',
    `DNS 没有响应：请检查本机的 DNS 服务器（/etc/resolv.conf，Kubernetes 中为 CoreDNS），以及 NetworkPolicy 或防火墙是否放行 53 端口的 UDP 和 TCP。${KEEPS_TRYING}`,
  ],
  [
    'Nothing listens at the address of the proxy',
    `代理的地址没有程序监听，或被防火墙拒绝：请检查 egress.proxy 的主机和端口、代理是否在运行，以及${FIREWALL}。${KEEPS_TRYING}`,
  ],
  [
    'Nothing listens at the address',
    `该地址没有程序监听，或被防火墙拒绝：请检查 apiBaseUrl 的主机和端口，以及${FIREWALL}。${KEEPS_TRYING}`,
  ],
  [
    'There is no route to the platform',
    `没有到平台的路由，或系统不允许访问：请检查路由、IPv6、${FIREWALL}；若设置了 egress.localAddress，它必须是本机的地址。${KEEPS_TRYING}`,
  ],
  [
    'Something closed the connection',
    `答复没收完，连接就被关闭了：请检查${FIREWALL}，以及拦截 TLS 的设备；若自行恢复则无需处理。${KEEPS_TRYING}`,
  ],
  ['No connection came up in time', `连接超时，数据包在途中被丢弃：请检查${FIREWALL}和 NAT。${KEEPS_TRYING}`],
  [
    'The connection is up, but the answer',
    `已连上，但答复没有按时到达：平台太慢，或途中有设备阻滞。若一直如此，请调大 refresh.upstreamTimeoutSeconds，leaseSeconds 也要相应调大。${KEEPS_TRYING}`,
  ],
  [
    'The certificate is out of its time',
    `证书不在有效期内：请先核对本机时钟；时钟无误则更新 apiBaseUrl 主机或 TLS 拦截设备的证书。${KEEPS_TRYING}`,
  ],
  [
    'The certificate is of an authority',
    `证书由 Node 不认识的机构签发：途中有设备拦截 TLS，或网关使用私有 CA。请让平台的流量不被拦截，或用 egress.ca（或环境变量 NODE_EXTRA_CA_CERTS）指定该 CA 的 PEM，并重启。${KEEPS_TRYING}`,
  ],
  [
    'The certificate belongs to another host',
    `证书属于别的主机：请检查 apiBaseUrl 的主机名，以及 DNS 或代理是否指向了别处。${KEEPS_TRYING}`,
  ],
  [
    'The certificate is not valid',
    `证书无效：请让 apiBaseUrl 主机或 TLS 拦截设备的维护者更新证书。${KEEPS_TRYING}`,
  ],
  [
    'The other side speaks no TLS',
    `对方不支持 TLS，或版本太旧：请检查 apiBaseUrl 的协议和端口，以及拦截 TLS 的设备。${KEEPS_TRYING}`,
  ],
  [
    'A proxy asks for a login',
    `代理要求认证：请设置或改正 egress 的 proxyUsername 和 proxyPassword。若 egress 没有配置代理，则是途中的代理在要求：请让中控不经过它，或在 egress.proxy 中写明。${KEEPS_TRYING}`,
  ],
  [
    'DNS knows no host with the name of the proxy',
    `DNS 查不到代理的主机名，或没有响应：请检查 egress.proxy 的主机名和本机的 DNS 服务器。${KEEPS_TRYING}`,
  ],
  [
    'There is no connection to the proxy',
    `连不上代理：请检查 egress.proxy 的主机、端口和协议，路由，${FIREWALL}，以及（如有设置）egress.localAddress。${KEEPS_TRYING}`,
  ],
  [
    'The proxy does not answer in time',
    `代理没有按时响应：请确认它没有过载，并检查 egress.proxy 的主机和端口，以及${FIREWALL}。${KEEPS_TRYING}`,
  ],
  [
    'TLS with the proxy itself fails',
    `与代理本身的 TLS 失败：egress.proxy 只有在代理该端口支持 TLS 时才写 https://；请用 egress.ca 指定其证书的 CA。${KEEPS_TRYING}`,
  ],
  [
    'The proxy closed the connection',
    `代理没有响应就关闭了连接：请看代理的日志；可能它不认识本机，或该端口要求 TLS（egress.proxy 写 https://）。${KEEPS_TRYING}`,
  ],
  ['What answers at egress.proxy', `egress.proxy 上的不是 HTTP 代理：请检查主机和端口。${KEEPS_TRYING}`],
  [
    'The proxy does not let the broker reach',
    `代理不允许中控访问该主机和端口：请在代理规则中放行对它的 CONNECT（多数代理只允许 443 端口），或让中控不经过代理。${KEEPS_TRYING}`,
  ],
  [
    'The proxy cannot reach the platform',
    `代理连不上平台，或代理自身有故障：请看它的日志，并在代理主机上检查 DNS 和到平台的网络。${KEEPS_TRYING}`,
  ],
  [
    'Something answered with a redirect',
    `收到重定向，中控不会跟随，以免把 AppSecret 带到别处。来源是${IN_THE_MIDDLE}。请改正 apiBaseUrl，或让中控不经过该设备。${KEEPS_TRYING}`,
  ],
  [
    'The request was refused before it reached',
    `请求还没到平台就被拒绝了：平台自己不会这样响应，是代理、网关或 apiBaseUrl 的主机所为。请到那里查看，并检查 apiBaseUrl 的路径。${KEEPS_TRYING}`,
  ],
  [
    'The platform itself does not answer so',
    `平台自己不会这样响应，是代理、网关或 apiBaseUrl 的主机出错：请到那里查看；若自行恢复则无需处理。${KEEPS_TRYING}`,
  ],
  [
    'A web page came in place',
    `收到的是网页，而不是平台的 JSON，来自${IN_THE_MIDDLE}：请改正 apiBaseUrl，或让中控不经过该设备。${KEEPS_TRYING}`,
  ],
  ['What came is no HTTP', `收到的不是 HTTP：请检查 apiBaseUrl 的协议和端口。${KEEPS_TRYING}`],
  [
    "What came is not the platform's answer",
    `收到的不是平台的答复：请检查 apiBaseUrl，以及${IN_THE_MIDDLE}。${KEEPS_TRYING}`,
  ],
  [
    "The answer has the platform's form",
    `答复的格式像平台的，内容却不是平台会给的：请检查 apiBaseUrl，以及${IN_THE_MIDDLE}。${KEEPS_TRYING}`,
  ],
  [
    'The answer is far larger',
    `答复远大于平台的任何答复：请检查 apiBaseUrl，以及${IN_THE_MIDDLE}。${KEEPS_TRYING}`,
  ],
  [
    'WeChat holds back calls from this IP address',
    '微信暂时拦下来自该 IP 的调用，等待管理员同意：请看微信后台的 IP 设置。',
  ],
  [
    "WeChat refuses the call because of the account's",
    '因账号或 IP 地址的设置，微信拒绝了调用：请在微信后台检查这两项。',
  ],
  [
    "Look the error up in the server's documentation",
    '请在该服务器的文档中查询这个错误；服务器的日志会写明请求哪里有误。',
  ],
];

/** A proxy of the environment that the broker does not use; what follows is about the direct way. */
const UNUSED_PROXY =
  /^(\S+) is set, but the broker does not use it: .*? If the platform is to be reached directly: (.*)$/s;

/** Undefined for what is not here. */
export function textInChinese(remedy: string): string | undefined {
  const [, variable, direct] = UNUSED_PROXY.exec(remedy) ?? [];
  if (variable !== undefined && direct !== undefined)
    return `设置了 ${variable}，但中控没有使用它：如果它是出口，请设置 egress.proxyFromEnvironment: true，或配置 egress.proxy。如果应当直连平台：${textInChinese(direct) ?? direct}`;
  return BY_TEXT.find(([begin]) => remedy.startsWith(begin))?.[1];
}
