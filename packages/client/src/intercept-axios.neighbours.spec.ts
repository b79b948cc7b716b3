import axios, { type AxiosInstance, type AxiosResponse, type InternalAxiosRequestConfig } from 'axios';
import { FakeTokenClient } from '../../../test/support/fake-token-client.js';
import { interceptAxios } from './intercept-axios.js';

const WECHAT = 'https://api.weixin.qq.com/cgi-bin/user/info';

describe('interceptAxios next to other interceptors', () => {
  let client: FakeTokenClient;
  let api: AxiosInstance;
  let sent: InternalAxiosRequestConfig[];

  beforeEach(() => {
    [client, sent] = [new FakeTokenClient(), []];
    const adapter = async (config: InternalAxiosRequestConfig) => {
      sent.push(config);
      const isLiving = (config.params as { access_token: string }).access_token === 'token-2';
      const data = { errcode: isLiving ? 0 : 40001 };
      return { data, status: 200, statusText: '', headers: {}, config };
    };
    api = axios.create({ adapter });
  });

  const bodyOf = (answer: AxiosResponse) => answer.data as AxiosResponse;

  it.each<[string, (config: InternalAxiosRequestConfig) => InternalAxiosRequestConfig]>([
    ['the request', (config) => ({ ...config })],
    ['the parameters', (config) => Object.assign(config, { params: { ...config.params } })],
    ['both', (config) => ({ ...config, params: { ...config.params, lang: 'en' } })],
  ])('heals when one before or after it copies %s', async (_, copy) => {
    api.interceptors.request.use(copy);
    interceptAxios(api, client.asClient);
    api.interceptors.request.use(copy);
    expect((await api.get(WECHAT)).data).toEqual({ errcode: 0 });
    expect(client.reports).toEqual(['token-1']);
  });

  it('lets one that comes after it see the healed answer, once and as it is', async () => {
    interceptAxios(api, client.asClient);
    api.interceptors.response.use(bodyOf);
    expect(await api.get(WECHAT)).toEqual({ errcode: 0 });
  });

  it('lets those of requests see a request once, and sends what they made of it', async () => {
    let count = 0;
    const wrap = (config: InternalAxiosRequestConfig): InternalAxiosRequestConfig => {
      count += 1;
      return { ...config, data: { wrapped: config.data as unknown } };
    };
    api.interceptors.request.use(wrap);
    interceptAxios(api, client.asClient);
    await api.post(WECHAT, { a: 1 });
    expect(count).toBe(1);
    expect(sent.map(({ data }) => data as unknown)).toEqual(Array(2).fill('{"wrapped":{"a":1}}'));
    expect(sent.map(({ headers }) => headers.getContentType())).toEqual(Array(2).fill('application/json'));
  });

  it('heals where the instance cannot be copied, as in older versions of axios', async () => {
    Object.assign(api, { create: undefined });
    interceptAxios(api, client.asClient);
    expect((await api.post(WECHAT, { a: 1 })).data).toEqual({ errcode: 0 });
    expect(sent.map(({ data }) => data as unknown)).toEqual(Array(2).fill('{"a":1}'));
  });
});
