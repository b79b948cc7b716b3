import { createEdge } from '../../test/support/create-edge.js';

describe('GET /metrics', () => {
  it('is open, and bears the content type that its source names', async () => {
    const edge = await createEdge();
    const response = await edge.send('GET', '/metrics');
    await edge.app.close();
    expect([response.statusCode, response.body]).toEqual([200, 'fake_requests_total 1\n']);
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  });
});
