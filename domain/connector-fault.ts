/** How parts of Syncline that import no connector recognise the fault of a connector package. */
export interface ConnectorFault extends Error {
  readonly faultyPackage: string;
}

export const isConnectorFault = (error: unknown): error is ConnectorFault =>
  error instanceof Error && typeof (error as Partial<ConnectorFault>).faultyPackage === 'string';

interface Refusal {
  issues: readonly { code?: string | undefined; params?: Record<string, unknown> | undefined }[];
}

/** The fault of the package for which its schema has refused a value; undefined = the value is wrong. */
export function faultIn({ issues: [issue] }: Refusal): ConnectorFault | undefined {
  const fault = issue?.code === 'custom' ? issue.params?.['fault'] : undefined;
  return isConnectorFault(fault) ? fault : undefined;
}
