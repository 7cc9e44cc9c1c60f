/** `npm test`: installs what is missing, then runs a suite (`test.ts`). */
import { createRequire } from 'node:module';
import { ensureInstalled, requireNode } from './tools/ensure-dependencies.mjs';

requireNode();
await ensureInstalled();

const require = createRequire(import.meta.url);
require('tsx/cjs'); // from here on TypeScript files can be required
require('./test.ts').test(process.argv.slice(2));
