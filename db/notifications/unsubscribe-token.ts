/**
 * The token of an unsubscribe link (RFC 8058): it names a person and is signed, so it works without a sign-in
 * and allows nothing else than turning off that person's e-mails.
 */
import { fromTypeId, toTypeId } from '../sql/ids';
import type { Encryption } from '../platform/encryption';

interface Subscriber {
  tenantId: string;
  personId: string;
}

type Signer = Pick<Encryption, 'sign' | 'isSigned'>;
const PURPOSE = 'unsubscribe';

export function unsubscribeToken(encryption: Signer, { tenantId, personId }: Subscriber): string {
  const name = `${toTypeId('ten', tenantId)}.${toTypeId('psn', personId)}`;
  return `${name}.${encryption.sign(PURPOSE, name)}`;
}

/** Undefined = the token was forged, or its key is gone. */
export function readUnsubscribeToken(encryption: Signer, token: string): Subscriber | undefined {
  const [tenant = '', person = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || !encryption.isSigned(PURPOSE, `${tenant}.${person}`, signature)) return undefined;
  const [tenantId, personId] = [fromTypeId('ten', tenant), fromTypeId('psn', person)];
  return tenantId === undefined || personId === undefined ? undefined : { tenantId, personId };
}
