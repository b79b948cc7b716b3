import fc from 'fast-check';
import type { RawAnswer } from './raw-platform.js';

const KIB = 1024;
/** More than is held: it is streamed. */
const LONG_BODY = 2 * KIB * KIB;

/** What a platform answers, and to which call. */
export interface OddAnswer {
  readonly status: string;
  readonly before: readonly string[];
  readonly headers: readonly string[];
  readonly framing: (typeof FRAMINGS)[number];
  readonly body: Body;
  readonly cuts: readonly number[];
  readonly end: 'keep' | 'close' | 'reset';
  readonly isEarly: boolean;
  readonly method: 'GET' | 'POST' | 'HEAD';
  readonly requestBytes: number;
  /** The caller does not say how long its body is. */
  readonly isChunked: boolean;
}

const FRAMINGS = [
  'length',
  'chunked',
  'trailers',
  'until_close',
  'too_short',
  'too_long',
  'cut_chunk',
  'bad_chunk',
  'no_last_chunk',
  'odd_trailers',
] as const;
const SOUND_FRAMINGS: ReadonlySet<string> = new Set(['length', 'chunked', 'trailers', 'until_close']);
/** After these the platform has nothing more to say, and keeps the connection. */
const SELF_CONTAINED: ReadonlySet<string> = new Set(['length', 'chunked', 'trailers', 'too_short']);

const SOUND_HEADERS = [
  'Content-Type: application/json',
  'content-type: image/png',
  'Wechatmp-Title: 图',
  'Wechatmp-Empty:',
  'Content-Disposition: attachment; filename="图.png"',
  'Set-Cookie: a=b',
  'set-cookie: c=d',
  'Server: nginx',
  'Keep-Alive: timeout=0',
  'Keep-Alive: timeout=999999999999',
  'Location: http://127.0.0.1:1/?access_token=x',
  'X-Request-Id: theirs',
  `X-Long: ${'x'.repeat(8 * KIB)}`,
] as const;
const ODD_HEADERS = [
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 5, 5',
  'Content-Length: 0x10',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: identity',
  'Connection: upgrade\r\nUpgrade: websocket',
  'Connection: close',
  'Wechatmp-Nul: a\u0000b',
  'Wechatmp-Control: a\u0001b\u007f',
  'Wechatmp-Folded: a\r\n b',
  'Wechatmp-Cr: a\rb',
  ' leading: space',
  'space : before colon',
  'no colon',
  ': no name',
  'n\u00e4me: x',
  `X-Huge: ${'x'.repeat(80 * KIB)}`,
] as const;

/** Told by its size, so that a failure can be read. */
interface Body {
  readonly before: string;
  readonly fill: string;
  readonly size: number;
}

const bodies: fc.Arbitrary<Body> = fc.oneof(
  fc.record({
    before: fc.oneof(
      fc.constantFrom(
        '',
        ' ',
        '{',
        '{"errcode":0}',
        '{"errcode":40001,"errmsg":"invalid credential"}',
        '\ufeff{"errcode":0}',
        ' \r\n\t{"errcode":0}',
        '[{"errcode":40001}]',
        '{"errcode":"40001"}',
        '\0\0{"errcode":40001}',
        // What comes after the end of an answer is no other answer.
        '{"a":1}HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nsmuggled',
      ),
      fc.string({ unit: 'binary', maxLength: 50 }),
    ),
    fill: fc.constant(''),
    size: fc.constant(0),
  }),
  // Around the size up to which an answer is looked into.
  fc.record({
    before: fc.constantFrom('{"errcode":0,"a":"', '\ufeff{"a":"', '', 'GIF89a'),
    fill: fc.constantFrom('x', ' '),
    size: fc.constantFrom(64 * KIB - 1, 64 * KIB, 64 * KIB + 1, 300 * KIB),
  }),
);

export function bytesOf({ before, fill, size }: Body): Buffer {
  const begin = Buffer.from(before);
  return size === 0 ? begin : Buffer.concat([begin, Buffer.alloc(size - begin.length, fill)]);
}

/** More or less right ones. */
export const oddAnswers: fc.Arbitrary<OddAnswer> = fc.record({
  status: fc.oneof(
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        '200 OK',
        '200',
        '201 Created',
        '206 ',
        '304 No',
        '204 No',
        '302 Found',
        '404 Not',
        '500 No',
        '503 No',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '101 Switching',
        '199 No',
        '099 No',
        '000 No',
        '600 No',
        '999 No',
        '1000 No',
        '20 No',
        '2x0 No',
        '',
        '200 \u0001',
        '-200 OK',
        ' 200 OK',
      ),
    },
  ),
  before: fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.constantFrom('103 Early Hints', '102 Processing', '100 Continue', '104 '), {
        minLength: 1,
        maxLength: 5,
      }),
    },
  ),
  headers: fc.oneof(
    { weight: 4, arbitrary: fc.uniqueArray(fc.constantFrom(...SOUND_HEADERS), { maxLength: 3 }) },
    {
      weight: 2,
      arbitrary: fc.uniqueArray(fc.constantFrom(...SOUND_HEADERS, ...ODD_HEADERS), { maxLength: 3 }),
    },
  ),
  framing: fc.constantFrom('length' as const, 'chunked' as const, ...FRAMINGS),
  body: bodies,
  cuts: fc.array(fc.nat({ max: 2000 }), { maxLength: 3 }),
  end: fc.constantFrom('keep', 'keep', 'close', 'reset'),
  isEarly: fc.boolean(),
  method: fc.constantFrom('GET', 'GET', 'POST', 'POST', 'HEAD'),
  requestBytes: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(0, 10, 100 * KIB) },
    { weight: 2, arbitrary: fc.constant(LONG_BODY) },
  ),
  isChunked: fc.boolean(),
});

/** The longest that is held. */
const JSON_OF_64_KIB: Body = { before: '\ufeff{"a":"', fill: ' ', size: 64 * KIB };
const PLAIN: OddAnswer = {
  status: '200 OK',
  before: [],
  headers: [],
  framing: 'length',
  body: { before: '{}', fill: '', size: 0 },
  cuts: [],
  end: 'keep',
  isEarly: false,
  method: 'POST',
  requestBytes: 10,
  isChunked: false,
};
/** Each was answered wrongly once. */
export const EXAMPLES: readonly OddAnswer[] = [
  { ...PLAIN, isEarly: true, requestBytes: LONG_BODY },
  { ...PLAIN, isEarly: true, requestBytes: LONG_BODY, end: 'close' },
  { ...PLAIN, isEarly: true, requestBytes: LONG_BODY, cuts: [1170], body: JSON_OF_64_KIB },
  { ...PLAIN, status: '204 No', framing: 'too_long', body: { before: '', fill: 'x', size: 65 * KIB } },
];

const isOneOf = (list: readonly string[], header: string): boolean => list.includes(header);

/** Whether the platform has said all of a right answer, so that the caller has to get it. */
export function isSound({ status, before, headers, framing, end }: OddAnswer): boolean {
  const isUsual = /^[2345]\d\d( \w*)?$/.test(status) && !/^[69]/.test(status);
  // undici takes the length of a 304 for that of a body that is missing. Nothing asks for a 304: no condition is passed on.
  const isWhole = SOUND_FRAMINGS.has(framing) && end !== 'reset' && !/^(?:204|304)/.test(status);
  return (
    isUsual &&
    before.every((line) => !line.startsWith('100')) &&
    headers.every((header) => !isOneOf(ODD_HEADERS, header)) &&
    isWhole
  );
}

export const hasNoBody = ({ method, status }: OddAnswer): boolean =>
  method === 'HEAD' || /^(?:204|304)/.test(status);

function framed({ framing, ...answer }: OddAnswer): { readonly header: string; readonly bytes: Buffer } {
  const chunk = (bytes: Buffer, size = bytes.length): Buffer =>
    Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  const body = bytesOf(answer.body);
  const half = body.length >> 1;
  const chunks = [body.subarray(0, half), body.subarray(half)]
    .filter(({ length }) => length > 0)
    .map((one) => chunk(one));
  const coded = (...parts: readonly (Buffer | string)[]) => ({
    header: 'Transfer-Encoding: chunked\r\n',
    bytes: Buffer.concat(parts.map((part) => Buffer.from(part as string))),
  });
  const counted = (length: number) => ({ header: `Content-Length: ${length}\r\n`, bytes: body });
  switch (framing) {
    case 'length':
      return counted(body.length);
    case 'too_short':
      return counted(half);
    case 'too_long':
      return counted(body.length + 10);
    case 'until_close':
      return { header: '', bytes: body };
    case 'chunked':
      return coded(...chunks, '0\r\n\r\n');
    case 'trailers':
      return coded(...chunks, '0\r\nX-Trailer: 1\r\n\r\n');
    case 'odd_trailers':
      return coded(...chunks, '0\r\nContent-Length: 7\r\nno colon\r\n\r\n');
    case 'cut_chunk':
      return coded(chunk(body, body.length + 5));
    case 'bad_chunk':
      return coded('zz\r\n', ...chunks);
    case 'no_last_chunk':
      return coded(...chunks);
  }
}

/** The bytes of it. */
export function rawOf(answer: OddAnswer): RawAnswer {
  const { status, before, headers, framing, cuts, isEarly } = answer;
  const { header, bytes } = framed(answer);
  const interim = before.map((line) => `HTTP/1.1 ${line}\r\nlink: </x>\r\n\r\n`).join('');
  const lines = headers.map((one) => `${one}\r\n`).join('');
  // Also where no body may be: nobody takes it for the beginning of the next answer.
  const all = Buffer.concat([Buffer.from(`${interim}HTTP/1.1 ${status}\r\n${lines}${header}\r\n`), bytes]);
  const ends = [...new Set([...cuts.filter((at) => at < all.length), all.length])].sort((a, b) => a - b);
  const pieces = ends.map((to, index) => all.subarray(ends[index - 1] ?? 0, to));
  // What it leaves open would be waited for.
  const isComplete = SELF_CONTAINED.has(framing) && headers.every((one) => !isOneOf(ODD_HEADERS, one));
  const end =
    answer.end === 'keep' && !(isComplete && /^[2345]\d\d( |$)/.test(status)) ? 'close' : answer.end;
  return { pieces, end, isEarly };
}
