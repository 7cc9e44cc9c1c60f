/** Builds the console into `dist/console`, which `api` serves. The CSP forbids foreign and inlined assets. */
import path from 'node:path';
import { defineConfig, type ProxyOptions } from 'vite';

const folder = import.meta.dirname;

/** `npm run console:dev` serves these pages against the API of a running `npm start`. */
const api = process.env.API_URL ?? 'http://127.0.0.1:8080';
const toApi: ProxyOptions = { target: api, changeOrigin: true };

export default defineConfig({
  root: folder,
  base: '/console/',
  cacheDir: path.join(folder, '../.cache/vite'),
  build: {
    outDir: path.join(folder, '../dist/console'),
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    rolldownOptions: {
      // The connect page is for people without an account, so it carries nothing of the console's pages.
      input: [path.join(folder, 'index.html'), path.join(folder, 'connect.html')],
      // Packages mark client code for server-side rendering, which is not used here.
      onLog(level, log, handle) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
      output: {
        // The packages that every page needs change rarely, so browsers can cache them over releases.
        codeSplitting: {
          groups: [{ name: 'vendor', test: /node_modules[\\/](react|react-dom|scheduler|@tanstack)[\\/]/ }],
        },
      },
    },
  },
  server: { proxy: { '/console/v1': toApi, '/v1': toApi, '/docs': toApi, '/connect/v1': toApi } },
});
