const REMEMBERED = 100_000;

/** Forgets the oldest entries when there are too many: what a platform no longer knows is refused like anything unknown. */
export class RecentMap<Value> extends Map<string, Value> {
  override set(key: string, value: Value): this {
    super.set(key, value);
    for (const oldest of this.keys()) {
      if (this.size <= REMEMBERED) break;
      this.delete(oldest);
    }
    return this;
  }
}
