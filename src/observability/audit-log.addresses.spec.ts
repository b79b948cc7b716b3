import { KnownAddresses } from './audit-log.js';

const LIMIT = 2000;

function filled(client: string): KnownAddresses {
  const addresses = new KnownAddresses();
  for (let index = 0; index < LIMIT; index += 1) addresses.add(client, `2001:db8::${index.toString(16)}`);
  return addresses;
}

describe('the addresses from where clients were seen', () => {
  it('are known for the client that came from there, and for no other', () => {
    const addresses = new KnownAddresses();
    addresses.add('orders', '192.0.2.1');
    expect(addresses.has('orders', '192.0.2.1')).toBe(true);
    expect(addresses.has('orders', '192.0.2.2')).toBe(false);
    expect(addresses.has('mailer', '192.0.2.1')).toBe(false);
  });

  it('are forgotten beyond two thousand of a client, the first one first', () => {
    const addresses = filled('orders');
    expect(addresses.has('orders', '2001:db8::0')).toBe(true);
    addresses.add('orders', '192.0.2.1');
    expect(addresses.has('orders', '2001:db8::0')).toBe(false);
    expect(addresses.has('orders', '2001:db8::1')).toBe(true);
    expect(addresses.has('orders', '192.0.2.1')).toBe(true);
  });

  it('are forgotten for no address that is known, and for no other client', () => {
    const addresses = filled('orders');
    addresses.add('orders', '2001:db8::1');
    addresses.add('mailer', '192.0.2.1');
    expect(addresses.has('orders', '2001:db8::0')).toBe(true);
  });
});
