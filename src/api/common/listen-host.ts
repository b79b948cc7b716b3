import { once } from 'node:events';
import { createServer } from 'node:net';

type CanListen = (address: string) => Promise<boolean>;

/**
 * The address to listen on: the configured one; without one `::`, which takes IPv6 and IPv4, or `0.0.0.0` where the kernel
 * has no IPv6.
 *
 * @param canListen for tests: whether a socket can be bound to this address
 */
export async function listenHost(configured: string | null, canListen: CanListen = bindsTo): Promise<string> {
  if (configured !== null) return configured;
  return (await canListen('::')) ? '::' : '0.0.0.0';
}

async function bindsTo(address: string): Promise<boolean> {
  const server = createServer().listen(0, address);
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
