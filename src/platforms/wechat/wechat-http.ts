import type { Deadline } from '../../core/ports/token-issuer.js';
import { callPlatform, okOnly, type HttpReply, type HttpRequest } from '../http/http-call.js';

/** One request to WeChat, which answers its errors with status 200: any other status came from something else, and proves nothing. */
export async function callWechat(
  apiBaseUrl: string,
  request: HttpRequest,
  deadline: Deadline,
): Promise<HttpReply> {
  return okOnly(await callPlatform(apiBaseUrl, request, deadline));
}
