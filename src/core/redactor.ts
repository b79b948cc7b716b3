const HIDDEN = '[redacted]';
/** Shorter values would hide ordinary words. */
const SHORTEST_SECRET = 8;
/** What a WeChat access token and this broker's API keys look like, whoever they belong to. */
const TOKEN_LIKE = String.raw`\b\d+_[A-Za-z0-9_-]{100,}|\btbk_[A-Za-z0-9_-]{16,}`;

/** Takes secrets out of text by their value: as they are, URL-encoded, or inside of base64. */
export class Redactor {
  private readonly forms = new Set<string>();
  private pattern = new RegExp(TOKEN_LIKE, 'g');

  add(secret: string): void {
    if (secret.length < SHORTEST_SECRET) return;
    for (const form of formsOf(secret)) this.forms.add(form);
    const longestFirst = [...this.forms].sort((a, b) => b.length - a.length).map(escape);
    this.pattern = new RegExp([...longestFirst, TOKEN_LIKE].join('|'), 'g');
  }

  redact(text: string): string {
    return text.replace(this.pattern, HIDDEN);
  }
}

function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    encodeURIComponent(secret).replace(/%../g, (escape) => escape.toLowerCase()),
    new URLSearchParams([['', secret]]).toString().slice(1),
    JSON.stringify(secret).slice(1, -1),
    ...base64Forms(secret),
  ];
}

/** What the secret looks like in base64 wherever it begins in the encoded text, without the characters its neighbours share. */
function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    const first = Math.ceil((offset * 4) / 3);
    const whole = Math.floor((bytes.length * 8) / 6);
    return (['base64', 'base64url'] as const).map((encoding) => bytes.toString(encoding).slice(first, whole));
  });
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, String.raw`\$&`);
}
