import { ensurePostgres, ensureWorkflowBundle, prepare } from './servers';

const setUp = (): Promise<void> => prepare(ensurePostgres, ensureWorkflowBundle);

export default setUp;
