import type { TokenClient } from './token-client.js';

const WECHAT = 'https://api.weixin.qq.com';

export interface InterceptAxiosOptions {
  /** Where requests get the token, and nowhere else. Default: the origin of `baseURL`; without one, WeChat's. */
  readonly origins?: readonly string[] | undefined;
}

/** The part of an axios request that matters here. */
export interface AxiosRequestLike {
  url?: string | undefined;
  baseURL?: string | undefined;
  params?: unknown;
  data?: unknown;
}

interface Sender {
  request(config: object): Promise<unknown>;
}

interface Interceptors<Value> {
  use(
    onFulfilled: (value: Value) => Value | Promise<Value>,
    onRejected?: (error: unknown) => unknown,
  ): number;
  eject(id: number): void;
}

/** The part of an axios instance that matters here: axios itself is not needed. */
export interface AxiosLike<Request extends AxiosRequestLike, Answer> extends Sender {
  readonly interceptors: {
    readonly request: Interceptors<Request>;
    readonly response: Interceptors<Answer>;
  };
  /** An instance with the same defaults and no interceptors; older versions have none. */
  create?(): Sender;
}

/**
 * Adds the parameter `access_token` to every request of this instance that has none and goes to where the token belongs,
 * and sends it once more, with a new token, when the platform refuses the first one. Returns a function that takes it off.
 *
 * @throws TypeError for origins that are none
 */
export function interceptAxios<Request extends AxiosRequestLike, Answer extends { readonly config: Request }>(
  axios: AxiosLike<Request, Answer>,
  client: TokenClient,
  options: InterceptAxiosOptions = {},
): () => void {
  const origins = options.origins?.map(givenOrigin);
  /** Bears the token that was added. Copies of a request keep it, as other interceptors make them; a new request has none. */
  const mark = Symbol('access-token-broker');
  const tokenIn = (config: object | undefined): string | undefined =>
    (config as { [mark]?: string } | undefined)?.[mark];

  const again = async <Outcome>(
    config: Request | undefined,
    outcome: Outcome,
    giveUp: (outcome: Outcome) => Answer | Promise<Answer>,
  ): Promise<Answer> => {
    const token = tokenIn(config);
    if (!config || token === undefined) return giveUp(outcome);
    const errcode = await client.deadTokenErrcode(outcome);
    const next = errcode !== undefined && (await client.report(token, errcode).catch(() => null));
    if (next === null || next === false || isSpent(config.data)) return giveUp(outcome);
    // All interceptors of requests have seen it, and its data is what was sent.
    const plain = axios.create?.() ?? axios;
    const params = withToken(config.params, next);
    return (await plain.request({ ...config, params, transformRequest: [] })) as Answer;
  };

  const requests = axios.interceptors.request.use(async (config) => {
    if (hasToken(config) || isElsewhere(config, origins)) return config;
    const token = await client.get();
    config.params = withToken(config.params, token);
    return Object.assign(config, { [mark]: token });
  });
  const answers = axios.interceptors.response.use(
    (answer) => again(answer.config, answer, (outcome) => outcome),
    (error) =>
      again((error as { config?: Request }).config, error, (outcome) => Promise.reject(outcome as Error)),
  );
  return () => {
    axios.interceptors.request.eject(requests);
    axios.interceptors.response.eject(answers);
  };
}

function hasToken({ url = '', params }: AxiosRequestLike): boolean {
  if (/^[^#]*[?&]access_token=/.test(url)) return true;
  if (params instanceof URLSearchParams) return params.has('access_token');
  return (params as { access_token?: unknown } | undefined)?.access_token !== undefined;
}

function withToken(params: unknown, token: string): unknown {
  if (!(params instanceof URLSearchParams)) return { ...(params as object | undefined), access_token: token };
  const copy = new URLSearchParams(params);
  copy.set('access_token', token);
  return copy;
}

/** A token is for the platform alone, and not for another address that this instance is used for. */
function isElsewhere({ url = '', baseURL = '' }: AxiosRequestLike, origins?: readonly string[]): boolean {
  const isAbsolute = /^([a-z][a-z\d+.-]*:)?\/\//i.test(url);
  const origin = originOf(isAbsolute ? url : baseURL);
  return origin === null || !(origins ?? [originOf(baseURL === '' ? WECHAT : baseURL)]).includes(origin);
}

/** Null for what is no full address. */
function originOf(url: string): string | null {
  const origin = URL.canParse(url) ? new URL(url).origin : 'null';
  return origin === 'null' ? null : origin;
}

function givenOrigin(url: string): string {
  const origin = originOf(url);
  if (origin !== null) return origin;
  throw new TypeError('interceptAxios: origins must be addresses such as https://api.weixin.qq.com.');
}

/** A stream was read when it was sent, and cannot be sent again. */
function isSpent(data: unknown): boolean {
  return (
    data instanceof ReadableStream || typeof (data as { pipe?: unknown } | undefined)?.pipe === 'function'
  );
}
