/** Builds the console into `dist/console`, which `api` serves. No asset comes from elsewhere, and none is inlined: the CSP admits neither. */
import path from 'node:path';
import { defineConfig, type ProxyOptions } from 'vite';

const folder = import.meta.dirname;

/** `npm run console:dev` shows the pages of this folder against an api that runs (`npm start`); sign in as there. */
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
      // Packages mark what may run in a browser for servers that render React; there is none here.
      onLog(level, log, handle) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log);
      },
      output: {
        // What every page needs changes seldom: browsers keep it over releases.
        codeSplitting: {
          groups: [{ name: 'vendor', test: /node_modules[\\/](react|react-dom|scheduler|@tanstack)[\\/]/ }],
        },
      },
    },
  },
  server: { proxy: { '/console/v1': toApi, '/v1': toApi, '/docs': toApi } },
});
