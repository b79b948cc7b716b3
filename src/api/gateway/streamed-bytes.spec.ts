import { countStreamed } from './streamed-bytes.js';

const MIB = 1024 * 1024;
const CHUNK = 64 * 1024;

describe('Buffers that pass through', () => {
  it('are collected before many of them are garbage: of 256 MiB no more than 12 at a time', () => {
    const heldBytes = () => process.memoryUsage().arrayBuffers;
    const before = heldBytes();
    let most = 0;
    for (let at = 0; at < 256 * MIB; at += CHUNK) {
      countStreamed(Buffer.allocUnsafeSlow(CHUNK).length);
      most = Math.max(most, heldBytes() - before);
    }
    expect(most).toBeGreaterThan(CHUNK);
    expect(most).toBeLessThan(12 * MIB);
  });
});
