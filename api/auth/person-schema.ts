/** People and their sessions as callers see them. */
import { z } from 'zod';
import type { ConsoleSession } from '../../db/tenants/console-sessions';
import { toTypeId } from '../../db/sql/ids';
import type { Person } from '../../db/tenants/people';
import type { PersonLink } from './person-tokens';
import { instant, orNull, toInstant, toInstantOrNull, typeId } from '../routing/common-schemas';

export const personRole = z.enum(['viewer', 'operator', 'admin']).meta({
  id: 'PersonRole',
  description:
    '`viewer` reads. `operator` also changes records and starts syncs. `admin` also changes ' +
    'integrations, keys and people.',
});

export const person = z
  .object({
    id: typeId('psn'),
    name: z.string(),
    email: z.string(),
    role: personRole,
    status: z.enum(['invited', 'active', 'disabled']).meta({
      description:
        '`invited`: has no password yet and has never signed in. `disabled`: cannot sign in, and ' +
        'no key can act for them.',
    }),
    created_at: instant,
    updated_at: instant,
    last_signed_in_at: instant.nullable(),
    disabled_at: instant.nullable(),
    is_email_on: z.boolean().meta({ description: 'Whether the person wants e-mails about notifications.' }),
    email_refusal: orNull(
      z.object({
        refused_at: instant,
        detail: z.string().meta({ description: "The mail server's message." }),
      }),
    ).meta({
      description:
        'Set if the mail server refused the address: no e-mails are sent to the person until the address is ' +
        'changed or the refusal is cleared. Null otherwise.',
    }),
    identities: z
      .array(
        z.object({
          issuer: z.string(),
          subject: z.string().meta({ description: 'The id of the person at the issuer (`sub`).' }),
          linked_at: instant,
        }),
      )
      .meta({
        description:
          'Who the person is at the identity provider. Linked by the first sign-in there with the verified ' +
          'address of the person. From then on only this identity signs the person in, whatever its address.',
      }),
  })
  .meta({ id: 'Person' });

export const personLink = z
  .object({
    token: z
      .string()
      .meta({ description: 'The token for POST /console/v1/passwords. It is shown only once.' }),
    link: z.string().meta({ description: 'The console page on which the person sets a password.' }),
    expires_at: instant,
  })
  .meta({ id: 'PersonLink' });

export const personWithLink = person.extend({ invitation: personLink }).meta({ id: 'PersonWithLink' });

export const consoleSession = z
  .object({
    id: typeId('ses'),
    signed_in_at: instant,
    expires_at: instant.meta({ description: 'When the session ends if it is not used until then.' }),
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    is_current: z.boolean().meta({ description: 'True for the session that makes this request.' }),
  })
  .meta({ id: 'ConsoleSession' });

export function toWirePerson(row: Person): z.output<typeof person> {
  return {
    id: toTypeId('psn', row.personId),
    name: row.name,
    email: row.email,
    role: row.role,
    status:
      row.disabledAt !== null
        ? 'disabled'
        : row.hasPassword || row.lastSignedInAt !== null
          ? 'active'
          : 'invited',
    created_at: toInstant(row.createdAt),
    updated_at: toInstant(row.updatedAt),
    last_signed_in_at: toInstantOrNull(row.lastSignedInAt),
    disabled_at: toInstantOrNull(row.disabledAt),
    is_email_on: row.isEmailOn,
    email_refusal:
      row.emailRefusedAt === null
        ? null
        : { refused_at: toInstant(row.emailRefusedAt), detail: row.emailRefusedDetail ?? '' },
    identities: row.identities.map(({ issuer, subject, linkedAt }) => ({
      issuer,
      subject,
      linked_at: toInstant(new Date(linkedAt)),
    })),
  };
}

export function toWireLink({ token, link, expiresAt }: PersonLink): z.output<typeof personLink> {
  return { token, link, expires_at: toInstant(expiresAt) };
}

/** `currentId`: the id of the session that makes the request, as the API writes it. */
export function toWireSession(
  { sessionId, signedIn, expiresAt }: ConsoleSession,
  currentId: string,
): z.output<typeof consoleSession> {
  const id = toTypeId('ses', sessionId);
  return {
    id,
    signed_in_at: signedIn.at,
    expires_at: toInstant(expiresAt),
    ip: signedIn.ip,
    user_agent: signedIn.userAgent,
    is_current: id === currentId,
  };
}
