import { ensurePostgres, ensureTemporal, ensureWorkflowBundle, prepare } from './servers';

const setUp = (): Promise<void> => prepare(ensurePostgres, ensureTemporal, ensureWorkflowBundle);

export default setUp;
