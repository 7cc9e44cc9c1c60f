/** How parts of Syncline that import no connector recognise the fault of a connector package. */
export interface ConnectorFault extends Error {
  readonly faultyPackage: string;
}

export const isConnectorFault = (error: unknown): error is ConnectorFault =>
  error instanceof Error && typeof (error as Partial<ConnectorFault>).faultyPackage === 'string';
