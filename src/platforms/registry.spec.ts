import { Redactor } from '../core/redaction/redactor.js';
import { PLATFORMS, tokenShapes } from './registry.js';

describe('platforms', () => {
  it('have names of their own', () => {
    expect(new Set(PLATFORMS.map(({ id }) => id)).size).toBe(PLATFORMS.length);
  });

  // No token of the app is fetched from QQ, so that no fetch can be refused.
  const fetchedFrom = PLATFORMS.filter(({ id }) => id !== 'qq');
  it.each(fetchedFrom.map((platform) => [platform.id, platform] as const))(
    '%s names as passing only what nobody has to mend',
    (_id, { errors }) => {
      expect(errors.passing.length).toBeGreaterThan(0);
      const classes = errors.passing.map((errcode) => errors.explain(errcode).class);
      expect(classes).not.toContain('configuration');
    },
  );

  it('hide a token of WeChat in text by its shape, and nothing else', () => {
    const redactor = new Redactor(tokenShapes());
    expect(redactor.redact(`token=83_${'aB-_9'.repeat(30)}&`)).toBe('token=[redacted]&');
    const line = `83_${'aB-_9'.repeat(9)} generation=1795250000123`;
    expect(redactor.redact(line)).toBe(line);
  });
});
