/**
 * Loaded before the worker: executions of push queues are short and claim few records, so that a few
 * due records are worth several executions at the same time (rule 60).
 */
const { PUSHING_LIMITS } = require('../../activities/dependencies');
const { connectors } = require('../../connectors');

Object.assign(PUSHING_LIMITS, { timeBoxMs: 1_500, spreadAfterMs: 300 });
connectors.rest.batchSize = 2;
