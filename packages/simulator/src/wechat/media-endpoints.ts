import type { HttpCall } from '../read-call.js';
import { Refusal } from '../refusal.js';
import { authorized } from './authorized.js';
import type { Media } from './media-shelf.js';
import type { WechatHandler } from './wechat-call.js';

/** 41005 unless the part `media` has a file name and content. */
export const uploadMedia: WechatHandler = (call, platform, nowMs) => {
  authorized(call, platform, nowMs);
  const media = partOf(call, 'media');
  if (!media || media.bytes.length === 0) throw new Refusal(41005);
  const type = call.query.get('type') ?? '';
  const media_id = platform.media.keep(media);
  return { body: { type, media_id, created_at: Math.floor(nowMs / 1000), item: [] } };
};

/** The file as it was uploaded, named after its `media_id` as in WeChat's documentation; 40007 for one that nobody uploaded. */
export const getMedia: WechatHandler = (call, platform, nowMs) => {
  authorized(call, platform, nowMs);
  const id = call.query.get('media_id') ?? '';
  const media = platform.media.find(id);
  if (!media) throw new Refusal(40007);
  return {
    body: {},
    file: {
      contentType: media.contentType,
      bytes: media.bytes,
      headers: { 'Content-disposition': `attachment; filename="${id}${media.extension}"` },
    },
  };
};

/**
 * No endpoint of WeChat's: answers with the body that it was sent, and tells in the header `Wechatmp-Echo`, as JSON in
 * base64url, what else came. The token does not stand there.
 */
export const echo: WechatHandler = (call, platform, nowMs) => {
  authorized(call, platform, nowMs);
  const { method, headers, query, bytes } = call;
  const seen = { method, headers, query: [...query].filter(([name]) => name !== 'access_token') };
  return {
    body: {},
    file: {
      contentType: headers['content-type'] ?? null,
      bytes,
      headers: { 'Wechatmp-Echo': Buffer.from(JSON.stringify(seen)).toString('base64url') },
    },
  };
};

/** A part of a multipart body that is a file. */
function partOf({ headers, bytes }: HttpCall, wanted: string): Media | undefined {
  const [, boundary] = /\bboundary="?([^";]+)/.exec(headers['content-type'] ?? '') ?? [];
  if (boundary === undefined) return undefined;
  // Latin-1, so that one character is one byte.
  for (const part of bytes.toString('latin1').split(`--${boundary}`).slice(1, -1)) {
    const at = part.indexOf('\r\n\r\n');
    const head = part.slice(0, at);
    const [, fileName] = /\bfilename="([^"]*)"/.exec(head) ?? [];
    if (at < 0 || fileName === undefined || !head.includes(`name="${wanted}"`)) continue;
    const [, contentType = 'application/octet-stream'] = /^content-type: *(\S+)/im.exec(head) ?? [];
    const [extension = ''] = /\.\w+$/.exec(fileName) ?? [];
    return { extension, contentType, bytes: Buffer.from(part.slice(at + 4, -2), 'latin1') };
  }
  return undefined;
}
