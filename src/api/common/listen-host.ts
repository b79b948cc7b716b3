import { once } from 'node:events';
import { createServer } from 'node:net';

type CanListen = (address: string) => Promise<boolean>;

const LISTEN_REMEDIES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has this port: end that one, or choose another with PORT or server.port',
  EACCES: 'this user may not open this port: choose one from 1024 on with PORT or server.port',
  EADDRNOTAVAIL:
    'this machine has no such address: correct HOST or server.host, or leave it out for all addresses',
};

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

/** What a person does about a port that cannot be opened; undefined for every other failure of a start. */
export function listenRemedy(error: unknown): string | undefined {
  const { syscall, code } = error as NodeJS.ErrnoException;
  return syscall === 'listen' ? LISTEN_REMEDIES[code ?? ''] : undefined;
}
