/**
 * `npm start`: installs what is missing, then runs all of Syncline on this machine (`start/start.ts`).
 * `npm run dev` (`--watch`): the same, with api, worker and console restarted when their code changes.
 */
import { createRequire } from 'node:module';
import { ensureInstalled, lockCheckout, requireNode } from './tools/ensure-dependencies.mjs';

requireNode();
await lockCheckout();
await ensureInstalled();

const require = createRequire(import.meta.url);
require('tsx/cjs'); // from here on TypeScript files can be required
require('./start/start.ts').start({ isWatching: process.argv.includes('--watch') });
