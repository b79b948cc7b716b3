import fc from 'fast-check';
import type { IncomingHttpHeaders } from 'node:http';
import { Readable, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { AnswerReader, lengthOf, passedOn, withoutToken, type UpstreamAnswer } from './platform-answer.js';

const KIB = 1024;

/** What undici tells a handler about one answer, and what the handler asks of it. */
class FakeConversation {
  readonly asked: string[] = [];
  readonly answer: Promise<UpstreamAnswer>;
  readonly reader: AnswerReader;
  private isPaused = false;
  private readonly controller = {
    rawHeaders: null,
    rawTrailers: null,
    aborted: false,
    reason: null,
    paused: false,
    pause: () => {
      this.isPaused = true;
      this.asked.push('pause');
    },
    resume: () => {
      if (this.isPaused) this.asked.push('resume');
      this.isPaused = false;
    },
    abort: () => {
      this.asked.push('abort');
    },
  };

  constructor(method = 'GET') {
    let reader: AnswerReader | undefined;
    this.answer = new Promise((resolve, reject) => {
      reader = new AnswerReader(method, resolve, reject);
    });
    if (!reader) throw new Error('a promise runs its function at once');
    this.reader = reader;
  }

  begin(): this {
    this.reader.onRequestStart(this.controller);
    return this;
  }

  head(headers: IncomingHttpHeaders = {}, status = 200): this {
    this.reader.onResponseStart(this.controller, status, headers);
    return this;
  }

  data(...chunks: readonly (string | Buffer)[]): this {
    for (const chunk of chunks) this.reader.onResponseData(this.controller, Buffer.from(chunk));
    return this;
  }

  end(): this {
    this.reader.onResponseEnd();
    return this;
  }

  fail(message: string): this {
    this.reader.onResponseError(this.controller, new Error(message));
    return this;
  }
}

const restOf = (rest: Readable | null): Promise<Buffer> => buffer(rest ?? Readable.from([]));
const conversation = (method?: string) => new FakeConversation(method).begin();

describe('an answer of a platform', () => {
  it.each([
    ['JSON', '{"errcode":0}', true],
    ['JSON after white space and a byte order mark', '\ufeff \r\n\t{"errcode":0}', true],
    ['nothing', '', false],
    ['white space', ' \n', false],
  ])('is read to its end where it is %s', async (_, body, isJson) => {
    const { answer } = conversation().head().data(body).end();
    const { chunks, rest, ...others } = await answer;
    expect(Buffer.concat(chunks).toString()).toBe(body);
    expect({ rest, ...others }).toEqual({ rest: null, status: 200, headers: {}, isJson });
  });

  it.each([
    ['a file', '\x89PNG', {}],
    ['a list in JSON', '[{}]', {}],
    ['JSON that says it has more than 64 KiB', '{"a":1', { 'content-length': String(64 * KIB + 1) }],
  ])('is a stream where it is %s, as soon as that is clear', async (_, begin, headers) => {
    const talk = conversation().head(headers).data(begin);
    const { chunks, rest, isJson } = await talk.answer;
    expect(isJson).toBe(false);
    talk.data(' and more').end();
    expect(Buffer.concat([...chunks, await restOf(rest)]).toString()).toBe(`${begin} and more`);
  });

  it('is looked into up to 64 KiB and no further, and arrives byte for byte whatever it is and however it is cut', async () => {
    const opening = fc.constantFrom('{', ' {', '\n', '[', 'x', '\0');
    const size = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 64 * KIB - 3, max: 64 * KIB + 3 }),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 70 * KIB }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(opening, size, cuts, fc.boolean(), async (first, length, pieces, isSized) => {
        const body = Buffer.concat([Buffer.from(first), Buffer.alloc(length, '7')]);
        const talk = conversation().head(isSized ? { 'content-length': String(body.length) } : {});
        let at = 0;
        for (const piece of [...pieces, Infinity]) {
          if (at < body.length) talk.data(body.subarray(at, at + piece));
          at += piece;
        }
        const { chunks, rest, isJson } = await talk.end().answer;
        expect(Buffer.concat([...chunks, await restOf(rest)]).equals(body)).toBe(true);
        expect(isJson).toBe(first.trim() === '{' && body.length <= 64 * KIB);
      }),
      { numRuns: 100 },
    );
  });

  it('to HEAD has a length and no body', async () => {
    const { answer } = conversation('HEAD')
      .head({ 'content-length': String(KIB * KIB) })
      .end();
    expect(await answer).toMatchObject({ rest: null, isJson: false, chunks: [] });
  });

  it('is that of the final status: 103 is not passed on', async () => {
    const { answer } = conversation().head({ link: 'x' }, 103).head({}, 404).data('{}').end();
    expect(await answer).toMatchObject({ status: 404, headers: {}, isJson: true });
  });

  it('is no faster than its reader', async () => {
    const talk = conversation().head({ 'content-length': String(KIB * KIB) });
    const { rest } = await talk.answer;
    expect(talk.asked).toEqual([]);
    talk.data(Buffer.alloc(128 * KIB));
    expect(talk.asked).toEqual(['pause']);
    rest?.resume();
    await new Promise(setImmediate);
    expect(talk.asked).toEqual(['pause', 'resume']);
  });

  it('waits at the platform where its reader takes no more: nothing is held', async () => {
    const talk = conversation().head({ 'content-length': String(KIB * KIB) });
    const { rest } = await talk.answer;
    let taken: (() => void) | undefined;
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        taken = done;
      },
    });
    rest?.pipe(slow);
    await new Promise(setImmediate);
    talk.data('some');
    await new Promise(setImmediate);
    expect([talk.asked, rest?.readableLength]).toEqual([['pause'], 0]);
    taken?.();
    await new Promise(setImmediate);
    expect(talk.asked).toEqual(['pause', 'resume']);
  });

  it('that breaks off before anything is decided is an error', async () => {
    await expect(conversation().head().data('{"errc').fail('reset').answer).rejects.toThrow('reset');
  });

  it('that breaks off afterwards fails its stream, also before somebody reads it', async () => {
    const talk = conversation().head().data('file');
    const { rest } = await talk.answer;
    talk.fail('reset');
    await new Promise(setImmediate);
    await expect(restOf(rest)).rejects.toThrow('reset');
  });

  it('is given up with its request, sent or not', async () => {
    const sent = conversation();
    sent.reader.giveUp();
    expect(sent.asked).toEqual(['abort']);
    const waiting = new FakeConversation();
    waiting.reader.giveUp();
    expect(waiting.begin().asked).toEqual(['abort']);
    const streamed = conversation().head().data('file');
    (await streamed.answer).rest?.destroy();
    expect(streamed.asked).toEqual(['abort']);
  });
});

describe('what a caller gets of an answer', () => {
  it('is the headers that say what the body is, when to come again and those of WeChat', () => {
    const kept = {
      'content-type': 'image/png',
      'content-disposition': 'attachment; filename="图.png"',
      'content-encoding': 'br',
      'retry-after': '3',
      'wechatmp-signature': ['a', 'b'],
    };
    const dropped = {
      connection: 'close',
      'keep-alive': 'timeout=5',
      'transfer-encoding': 'chunked',
      trailer: 'x',
      upgrade: 'h2c',
      te: 'trailers',
      'proxy-authenticate': 'Basic',
      'set-cookie': ['session=1'],
      location: 'https://elsewhere.example/?access_token=t',
      server: 'nginx',
      'x-wechatmp-not': '1',
    };
    expect(passedOn({ ...dropped, ...kept })).toEqual(Object.entries(kept).flat());
  });

  it.each([
    ['12', 12],
    ['0', 0],
    ['-1', null],
    ['1e3', null],
    ['12, 12', null],
    [undefined, null],
  ])('has the length %s as %s', (length, expected) => {
    expect(lengthOf({ 'content-length': length })).toBe(expected);
  });

  it('never has the token in it, as it is or URL-encoded, and is unchanged otherwise', () => {
    const token = fc.string({
      minLength: 8,
      unit: fc.constantFrom('a', 'A', '0', '_', '-', '+', '/', '=', '%'),
    });
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.uint8Array(),
        token,
        fc.boolean(),
        (before, after, value, isEncoded) => {
          const shown = isEncoded ? encodeURIComponent(value) : value;
          const body = Buffer.concat([before, Buffer.from(shown), after]);
          expect(withoutToken(body, value).equals(Buffer.concat([before, Buffer.from('***'), after]))).toBe(
            true,
          );
          expect(withoutToken(Buffer.from(before), value).equals(before)).toBe(true);
        },
      ),
    );
  });
});
