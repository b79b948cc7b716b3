/** Printed in the documentation or seen on the wire, except where a line says otherwise. */
const TEXTS: Readonly<Record<number, string>> = {
  [-1]: "client request's parameters are invalid, invalid openid",
  100000: 'param response_type is wrong or lost', // not verified, and so all without a remark up to 100016
  100001: 'param client_id is wrong or lost',
  100002: 'param client_secret is wrong or lost',
  100004: 'param grant_type is wrong or lost',
  100005: 'param code is wrong or lost',
  100006: 'param refresh_token is wrong or lost',
  100007: 'param access_token is wrong or lost',
  100008: 'client_id is not exist',
  100009: 'client secret is illegal',
  100010: 'redirect uri is illegal',
  100011: 'app is not online',
  100013: 'access token is illegal',
  100014: 'access token is expired',
  100015: 'access token is revoked',
  100016: 'access token check failed',
  100019: 'code to access token error', // verified
  100020: 'code is reused error',
  100021: 'get access token error',
  100030: 'this api without user authorization', // verified
  100031: 'app has no privilege to use this api',
  100048: 'companyid of the app is not set',
};

/** The platform says no: thrown by whatever handles a request, answered with HTTP 200. */
export class QqError extends Error {
  override readonly name = 'QqError';

  constructor(readonly error: number) {
    super(textOf(error));
  }
}

export function textOf(error: number): string {
  return TEXTS[error] ?? 'simulated error';
}
