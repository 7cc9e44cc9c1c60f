/**
 * What `import … from 'fast-check'` yields in every test (jest.config.cjs): property tests draw from
 * TEST_SEED.
 */
const fc = require('../../node_modules/fast-check/lib/cjs/fast-check.js');

fc.configureGlobal({ seed: Number(process.env.TEST_SEED) });

module.exports = fc;
