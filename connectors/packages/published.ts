/**
 * The file behind `syncline/connector`. In an api or worker it hands out what that process itself uses,
 * wherever the package has its copy of Syncline from: otherwise its errors would be of other classes.
 * Elsewhere, as in the package's own tests, it hands out its own.
 */
import * as own from './interface';

/** Under this name a process leaves its own interface to the packages that it loads. */
export const INTERFACE_OF_PROCESS = Symbol.for(`syncline.connector.${own.CONNECTOR_INTERFACE}`);

const used = (globalThis as { [INTERFACE_OF_PROCESS]?: typeof own })[INTERFACE_OF_PROCESS] ?? own;

export const {
  z,
  defineConnector,
  CONNECTOR_INTERFACE,
  mapConcurrently,
  pushConcurrently,
  ConnectorError,
  RateLimited,
  RecordRejected,
  SyncTokenExpired,
  Unauthorized,
  Unavailable,
  WrongAddress,
  errorFromCheck,
  errorFromResponse,
  excerptOf,
  isSuccess,
  parseJson,
  forUpdate,
} = used;
