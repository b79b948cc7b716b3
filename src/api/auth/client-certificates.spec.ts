import { namesIn } from './client-certificates.js';

describe('the names in a certificate', () => {
  it.each<[string, string[]]>([
    ['DNS:Orders.shop.svc', ['orders.shop.svc']],
    ['URI:spiffe://cluster.local/ns/a/sa/B', ['spiffe://cluster.local/ns/a/sa/B']],
    ['DNS:a, URI:spiffe://b, IP Address:127.0.0.1, email:c@d', ['a', 'spiffe://b']],
    ['', []],
  ])('of %j are %j', (text, names) => {
    expect(namesIn(text)).toEqual(names);
  });

  it.each([
    'DNS:"a, URI:spiffe://b"',
    'DNS:"a\\", URI:spiffe://b"',
    'othername:"1.2.3, DNS:a"',
    'email:"x, DNS:a"',
    'DNS:a" , DNS:b',
    'DNS:a,DNS:b',
    'something odd, DNS:a',
  ])('of %j are none that a caller put into another one', (text) => {
    expect(namesIn(text)).toEqual([]);
  });
});
