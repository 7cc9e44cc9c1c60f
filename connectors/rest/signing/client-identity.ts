/** The client certificate of an integration, for the TLS connections to its hosts. */
import { clockMs } from '../../clock';
import type { ClientIdentity } from '../../http';
import { Unauthorized } from '../../errors';
import type { RestConfig } from '../config/config';
import type { RestCredentials } from '../config/config-auth';
import { credentialOf } from '../http/credentials';
import { KeyProblem, readCertificate, readPrivateKey } from './pem';

/** undefined: connections present none. Throws Unauthorized if the credentials cannot be used (any more). */
export function clientIdentityOf(
  { client_certificate: hasCertificate }: RestConfig,
  credentials: RestCredentials,
): ClientIdentity | undefined {
  if (hasCertificate !== true) return undefined;
  try {
    const { key, pem } = readPrivateKey(credentialOf(credentials, 'client_key'));
    const now = new Date(clockMs());
    const certificate = readCertificate(credentialOf(credentials, 'client_certificate'), key, now);
    return { certificate, key: pem };
  } catch (error) {
    throw error instanceof KeyProblem ? new Unauthorized(error.message) : error;
  }
}
