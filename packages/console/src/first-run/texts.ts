import { language } from '../i18n/i18n.ts';
import { computed } from '@preact/signals';

const en = {
  otherLanguage: '中文',
  title: 'Set up the token broker',
  intro:
    'Three steps: your account, a test against WeChat, and the keys of your services. Nothing leaves this machine but the test.',
  linkUsed: 'This link does not work',
  linkHint:
    'It works once, in one browser. Stop the broker, start it again, and open the new link that it prints.',
  noAnswer: 'The broker does not answer. Does npm start still run?',
  account: '1 · Your account',
  accountHint:
    'In mp.weixin.qq.com under Settings and Development, Basic Configuration (设置与开发 · 基本配置). For a mini program: Development, Development Settings.',
  appId: 'AppID',
  appSecret: 'AppSecret',
  secretHint: 'It is written into a file that only you can read, and is sent to WeChat alone.',
  show: 'Show',
  hide: 'Hide',
  test: 'Test against WeChat',
  testing: 'Testing…',
  good: (seconds: number) =>
    `WeChat gave a token, good for ${seconds.toLocaleString('en')} seconds. It is not shown, and was not stored.`,
  bad: (errcode: number | string | null) =>
    errcode === null ? 'WeChat did not answer' : `WeChat refused: errcode ${errcode}`,
  todo: 'What to do',
  address: 'This machine’s address, as WeChat sees it. Add it to the IP whitelist of the account:',
  again: 'Then test again.',
  name: '2 · The name of the app',
  nameHint: 'Your services ask for its token by this name.',
  write: 'Write the configuration',
  writing: 'Writing…',
  done: 'The broker is set up',
  written: 'Written, readable for you alone:',
  keys: '3 · Your keys',
  keysHint: 'This is the only time that they are shown: the configuration has their hashes.',
  services: 'For your services',
  operator: 'For you: it opens the console',
  starting: 'The broker starts…',
  serves: 'The broker serves tokens of this app.',
  servesNot: (state: string) => `The broker runs. The state of the app is "${state}": the console says why.`,
  use: 'Use it',
  openConsole: 'Open the console',
  copy: 'Copy',
  copied: 'Copied',
};

type Texts = typeof en;

const zh: Texts = {
  otherLanguage: 'English',
  title: '配置 token 中控',
  intro: '三步：填写账号、连微信测试、拿到给各服务用的 key。除了这次测试，没有任何内容离开这台机器。',
  linkUsed: '这个链接打不开',
  linkHint: '链接只能用一次，只认第一个打开它的浏览器。请停掉中控，重新启动，打开它新打印的链接。',
  noAnswer: '中控没有响应。npm start 还在运行吗？',
  account: '1 · 账号',
  accountHint: '在 mp.weixin.qq.com 的“设置与开发 · 基本配置”里；小程序在“开发管理 · 开发设置”里。',
  appId: 'AppID',
  appSecret: 'AppSecret',
  secretHint: '它会写进只有你能读的文件，只会发给微信。',
  show: '显示',
  hide: '隐藏',
  test: '连微信测试',
  testing: '正在测试…',
  good: (seconds) =>
    `微信返回了 token，有效期 ${seconds.toLocaleString('zh-CN')} 秒。它没有显示，也没有保存。`,
  bad: (errcode) => (errcode === null ? '微信没有响应' : `微信拒绝了：errcode ${errcode}`),
  todo: '怎么办',
  address: '微信看到的本机 IP 地址如下。请把它加进这个账号的 IP 白名单：',
  again: '然后再测试一次。',
  name: '2 · 应用名',
  nameHint: '各服务用这个名字来取它的 token。',
  write: '写入配置',
  writing: '正在写入…',
  done: '中控配置好了',
  written: '已写入以下文件，只有你能读：',
  keys: '3 · 你的 key',
  keysHint: '只在这里显示一次：配置里只有它们的哈希。',
  services: '给各服务用',
  operator: '给你自己用：登录控制台',
  starting: '中控正在启动…',
  serves: '中控已经能提供这个应用的 token。',
  servesNot: (state) => `中控已启动。应用的状态是“${state}”，原因见控制台。`,
  use: '接入',
  openConsole: '打开控制台',
  copy: '复制',
  copied: '已复制',
};

export const texts = computed<Texts>(() => (language.value === 'zh' ? zh : en));
