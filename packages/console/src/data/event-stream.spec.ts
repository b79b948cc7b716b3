import { EventStreamParser } from './event-stream.ts';

const TEXT =
  ': a comment\n\nevent: app\ndata: {"app":"a: b"}\n\nretry: 5\ndata: one\r\ndata:two\r\n\r\nevent: empty\n\n';
const EVENTS = [
  { event: 'app', data: '{"app":"a: b"}' },
  { event: 'message', data: 'one\ntwo' },
];

describe('the events of a stream', () => {
  it('are read from one piece', () => {
    expect(new EventStreamParser().push(TEXT)).toEqual(EVENTS);
  });

  it('are read from pieces that end anywhere', () => {
    const parser = new EventStreamParser();
    expect(Array.from(TEXT).flatMap((character) => parser.push(character))).toEqual(EVENTS);
  });
});
