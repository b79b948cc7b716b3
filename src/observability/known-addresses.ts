/** Of one client. Beyond them the ones that were noted first are forgotten, and are new when they come again. */
const MAX_ADDRESSES = 2000;

/** From where each client has been seen. */
export class KnownAddresses {
  private readonly byClient = new Map<string, Set<string>>();

  has(client: string, address: string): boolean {
    return this.byClient.get(client)?.has(address) ?? false;
  }

  add(client: string, address: string): void {
    const known = this.byClient.get(client) ?? new Set<string>();
    this.byClient.set(client, known.add(address));
    if (known.size <= MAX_ADDRESSES) return;
    for (const first of known) {
      known.delete(first);
      return;
    }
  }
}
