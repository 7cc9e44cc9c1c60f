import {
  NamespaceNotFoundError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import { blameFor } from '../../worker/temporal-away';
import { temporalError } from '../support/fakes/temporal-errors';

describe('rule 60: an error of Temporal', () => {
  it.each([
    ['a busy workflow', temporalError(8, 'Workflow is busy.', 'BUSY_WORKFLOW')],
    ['too many signals', temporalError(3, 'exceeded workflow execution limit for signal events')],
    ['a payload that is too long', temporalError(3, 'Blob size exceeds limit.')],
    ['a workflow that is closing', temporalError(5, 'workflow execution already completed')],
    ['an internal error', temporalError(13, 'mutable state is corrupt')],
    ['a workflow that was not found', new WorkflowNotFoundError('not found', 'x', undefined)],
    ['a workflow that runs', new WorkflowExecutionAlreadyStartedError('runs', 'x', 'y')],
    ['a defect of this process', new TypeError('nextDueAt is undefined')],
  ])('is about the message: %s', (_what, error) => expect(blameFor(error)).toBe('message'));

  it.each([
    ['the requests of the namespace', temporalError(8, 'namespace rate limit exceeded', 'RPS_LIMIT')],
    ['the operations of the namespace', temporalError(8, 'namespace operations', 'OPS_LIMIT')],
    ['the actions of the namespace', temporalError(8, 'namespace actions', 'APS_LIMIT')],
    ['an overload', temporalError(8, 'overloaded', 'SYSTEM_OVERLOADED')],
    ['its store', temporalError(8, 'Persistence Max QPS Reached.', 'PERSISTENCE_LIMIT')],
    ['a wrong API key', temporalError(16, 'no identity')],
    ['a missing permission', temporalError(7, 'Request unauthorized.')],
    ['a closed connection', temporalError(1, 'Channel has been shut down')],
    ['an unknown namespace', new NamespaceNotFoundError('sales')],
  ])('is about Temporal as a whole: %s', (_what, error) => expect(blameFor(error)).toBe('temporal'));

  it.each([
    ['no connection', temporalError(14, 'No connection established')],
    ['a shard that moves', temporalError(14, 'shard status unknown')],
    ['no answer in time', temporalError(4, 'Deadline exceeded')],
    ['a limit without a name', temporalError(8, 'Too many requests')],
    ['a limit of a newer version without a cause', temporalError(8, 'limit', 'UNSPECIFIED')],
  ])('can be about either: %s', (_what, error) => expect(blameFor(error)).toBe('unclear'));
});
