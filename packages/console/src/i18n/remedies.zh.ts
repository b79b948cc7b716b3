import { textInChinese } from './remedy-texts.zh.ts';

/**
 * What to do, in Chinese: for the broker's own texts by the text, else by platform and errcode. What is missing is shown in
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
  0: '微信接受了这次调用，token 没有问题：只需上报 40001、42001 和 40014。',
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
  61003: '该账号没有授权给这个第三方平台：请让账号管理员授权。',
  61007: '该账号没有把这项接口权限授权给第三方平台：请让账号管理员重新授权，并勾选该权限。',
  61014: '这个接口要用第三方平台的 component_access_token，而不是应用的 access_token。',
  45035: '调用方 IP 不在应用的白名单内：请在微信后台添加。',
  61004: '调用方 IP 没有登记到第三方平台：请在微信后台添加。',
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
  40035: '企业微信不接受某个参数：请确认途中没有改写请求。',
  41001: '调用时没有带 access_token：请向中控获取，并作为 access_token 参数发送。',
  50001: '页面或回调的域名没有登记：请在应用设置的“可信域名”中添加。',
  60011: '应用的可见范围不包括该成员或部门：请在企业微信后台扩大可见范围。',
  301002: 'token 属于企业的另一个应用：请使用要调用的那个应用的 token。',
  301007: '该成员没有加入企业，或已被停用。',
  40082: 'suite_access_token 或 provider_access_token 无效：它由服务商自己的服务器提供。',
  42009: 'suite_access_token 已过期：它由服务商自己的服务器提供。',
};

const QQ_REWRITTEN = '有参数没有送达 QQ：请确认 apiBaseUrl 指向 QQ，且途中没有改写请求。';

const QQ: Readonly<Record<Code, string>> = {
  100000: QQ_REWRITTEN,
  100001: QQ_REWRITTEN,
  100002: QQ_REWRITTEN,
  100004: QQ_REWRITTEN,
  100005: QQ_REWRITTEN,
  100006: QQ_REWRITTEN,
  100007: QQ_REWRITTEN,
  100008: 'QQ 不认识这个 APP ID：请从 connect.qq.com 复制，逐位核对。',
  100009: 'APP Key 错误或已被重置：请填写 connect.qq.com 为该 APP ID 显示的 APP Key。',
  100010: '回调地址没有登记：请在 connect.qq.com 登记，路径也要一致。',
  100011: '应用还没有上线：请在 connect.qq.com 提交审核，或用测试账号登录。',
  100013: '用户取消了授权，需要重新登录。',
  100014: '用户的 token 已过期，需要重新登录。',
  100015: '用户的 token 已被废除，需要重新登录。',
  100016: 'QQ 不接受用户的 token，需要重新登录。',
  100019: 'code 错误或已过期，用户需要重新登录。',
  100020: 'code 已被用过，用户需要重新登录。',
  100021: 'refresh token 已被用过，或 QQ 不接受它，用户需要重新登录。',
  100030: '用户没有授予这项权限：请在发起登录时把它写进 scope。',
  100031: '应用无权使用该接口：请在 connect.qq.com 申请。',
  100048: '应用没有 unionid 权限：请在 connect.qq.com 申请。',
};

const OAUTH2: Readonly<Record<Code, string>> = {
  invalid_client:
    '服务器不接受这个客户端：请检查 clientId、clientSecret 和 clientAuthentication，后者必须与客户端登记的方式（Basic 或 body）一致。',
  unauthorized_client: '该客户端不能使用 client_credentials：请在服务器上允许。',
  invalid_scope: '服务器不认识这个 scope，或没有授予该客户端：请改正 scope。',
  unsupported_grant_type: '该地址不支持 client_credentials：请检查 tokenUrl。',
  invalid_request:
    '缺少参数，或服务器不接受某个参数：请查明 parameters 里要填什么（如 audience、resource），以及该用哪种 clientAuthentication。',
  invalid_target: '服务器不认识 parameters 中的 resource 或 audience：请改正。',
  invalid_grant: '服务器拒绝授权：请在服务器后台查看该客户端是否启用。',
  access_denied: '服务器拒绝该客户端访问：请在服务器后台检查它的设置。',
  temporarily_unavailable: '服务器繁忙，无需处理，稍后同样的调用会成功。',
  server_error: '服务器出错，中控会继续重试。',
  slow_down: '服务器要求放慢请求，中控会等待。',
  429: '服务器限制获取 token 的频率，中控会按它要求的时间等待。请查明还有谁在用这个客户端。',
  invalid_token: 'access_token 已失效：请向中控获取当前的 token。',
  insufficient_scope: 'token 缺少某个 scope：如果服务器允许该客户端使用，请加到 scope 中。',
  401: '资源服务器拒绝了 access_token：请向中控获取当前的 token。',
};

const BY_PROVIDER: Readonly<Record<string, Readonly<Record<Code, string>>>> = {
  wechat: WECHAT,
  wecom: WECOM,
  qq: QQ,
  oauth2: OAUTH2,
};

/** Where to look up a code that the broker does not know. */
const LOOK_UP: readonly (readonly [english: RegExp, chinese: (code: string) => string])[] = [
  [
    /^Look errcode \S+ up: https:\/\/open\.work/,
    (code) => `企业微信的错误码 ${code} 见 https://open.work.weixin.qq.com/devtool/query?e=${code} 。`,
  ],
  [/^Look errcode \S+ up/, (code) => `请在微信的“全局返回码”中查询 ${code}。`],
  [/^Look \S+ up in QQ/, (code) => `请在 QQ 互联的“公共返回码说明”中查询 ${code}。`],
];

export function remedyInChinese(provider: string | null, errcode: Code | null, remedy: string): string {
  const ofText = textInChinese(remedy);
  if (ofText !== undefined) return ofText;
  const code = String(errcode ?? '');
  const lookUp = LOOK_UP.find(([english]) => english.test(remedy));
  if (lookUp) return lookUp[1](code);
  const ofCode = errcode === null || provider === null ? undefined : BY_PROVIDER[provider]?.[errcode];
  return ofCode ?? remedy;
}
