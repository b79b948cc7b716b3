import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Where the server looks for the page: in its own build, which the image and the packed package hold. */
const OUT_DIR = join(import.meta.dirname, '../../dist/console');

/** Writes each file a second and a third time, compressed as well as can be: the server only picks one. */
const compressed: Plugin = {
  name: 'compressed',
  async writeBundle({ dir = OUT_DIR }, bundle) {
    const most = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
    await Promise.all(
      Object.keys(bundle).map(async (name) => {
        const file = join(dir, name);
        const content = await readFile(file);
        await writeFile(`${file}.br`, await promisify(brotliCompress)(content, most));
        await writeFile(`${file}.gz`, await promisify(gzip)(content, { level: constants.Z_MAX_LEVEL }));
      }),
    );
  },
};

// eslint-disable-next-line no-restricted-exports -- what Vite asks for
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [compressed],
  build: {
    outDir: OUT_DIR,
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // The policy allows no data: address but of images.
    assetsInlineLimit: 0,
    license: { fileName: 'licenses.md' },
    reportCompressedSize: false,
    rolldownOptions: {
      input: ['index.html', 'first-run.html'].map((page) => join(import.meta.dirname, page)),
    },
  },
});
