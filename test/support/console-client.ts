import { EventReader } from './event-reader.js';
import { objectFrom } from './object-from.js';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks the console as its page does: with the cookie of its session, and the CSRF token where something changes. */
export class ConsoleClient {
  /** All that it was answered, heads too. */
  readonly seen: string[] = [];
  private cookie = '';
  private csrf = '';

  constructor(readonly url: string) {}

  /** @throws unless the key opens the console */
  static async signIn(url: string, key: string): Promise<ConsoleClient> {
    const client = new ConsoleClient(url);
    const { status, text } = await client.enter(key);
    if (status !== 200) throw new Error(text);
    return client;
  }

  async enter(key: string): Promise<Answer> {
    const answer = await this.send('POST', '/session', { key });
    this.cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    this.csrf = String(answer.body.csrf);
    return answer;
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  post(path: string, body: object = {}): Promise<Answer> {
    return this.send('POST', path, body, { 'x-csrf-token': this.csrf });
  }

  async send(
    method: string,
    path: string,
    body?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.url}/console/api${path}`, {
      method,
      headers: {
        ...(this.cookie !== '' && { cookie: this.cookie }),
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    this.seen.push(JSON.stringify([...response.headers]), text);
    return { status: response.status, headers: response.headers, text, body: objectFrom(text) };
  }

  stream(): Promise<EventReader> {
    return EventReader.open(`${this.url}/console/api/stream`, { headers: { cookie: this.cookie } });
  }
}
