import { randomBytes } from 'node:crypto';

const MEDIA_ID_BYTES = 48;
/** The oldest ones are forgotten: this is for tests, not a store. */
const MAX_KEPT = 20;

export interface Media {
  /** Of the name that it was uploaded with, as `.png`; empty without one. */
  readonly extension: string;
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** What was uploaded. */
export class MediaShelf {
  readonly #media = new Map<string, Media>();

  keep(media: Media): string {
    const id = randomBytes(MEDIA_ID_BYTES).toString('base64url');
    this.#media.set(id, media);
    const [oldest = ''] = this.#media.keys();
    if (this.#media.size > MAX_KEPT) this.#media.delete(oldest);
    return id;
  }

  find(id: string): Media | undefined {
    return this.#media.get(id);
  }
}
