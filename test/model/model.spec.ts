import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

const model = read('test/model/refresh-protocol.pml');
const rows = [...read('docs/model.md').matchAll(/^\| `(\w+)` +\| `(\S+\.ts)` +\| `(\w+)` +\|/gm)].map(
  ([, step = '', file = '', name = '']) => ({ step, file, name }),
);

describe('the table that relates the model to the code', () => {
  it.each(rows)('names $step, which is $name in $file', ({ step, file, name }) => {
    expect(model).toMatch(new RegExp(String.raw`^(inline|#define) ${step}\(|^#define ${step} `, 'm'));
    expect(read(file)).toMatch(
      new RegExp(
        String.raw`^(export function| {2}(public |private |protected |override |async )*)\s*${name}\(`,
        'm',
      ),
    );
  });

  it('names every method of the store', () => {
    const [, methods = ''] = model.split(/\/\* ---- .* ---- \*\//);
    const steps = [...methods.matchAll(/^inline (\w+)/gm)].map(([, step]) => step);
    expect(steps.length).toBeGreaterThan(4);
    expect(rows.map(({ step }) => step)).toEqual(expect.arrayContaining(steps));
  });
});
