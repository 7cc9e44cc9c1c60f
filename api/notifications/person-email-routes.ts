/** E-mails to a person: whether the address takes them. */
import { z } from 'zod';
import { clearRefusal } from '../../db/notifications/undeliverable-addresses';
import { toTypeId } from '../../db/sql/ids';
import { findPerson, lockPerson } from '../../db/tenants/people';
import { person, toWirePerson } from '../auth/person-schema';
import { HttpError } from '../http/http-error';
import { idParam } from '../routing/common-schemas';
import { defineRoute, type Route } from '../routing/define-route';
import { ETAG, etagOf } from '../routing/etag';

export const personEmailRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path: '/v1/people/{person_id}/email-refusal',
    operationId: 'clearEmailRefusal',
    tag: 'People',
    summary: "Send e-mails to a person's refused address again",
    description:
      'Use it after the mail server, or the mailbox, is repaired. E-mails are sent from the next notification ' +
      'on. Without a refusal nothing changes.',
    params: z.strictObject({ person_id: idParam('psn', 'person_not_found') }),
    responses: { 200: { description: 'The person.', schema: person, headers: ETAG } },
    problems: ['person_not_found'],
    action: 'person.email_refusal_cleared',
    async run(work, { params }) {
      const key = { personId: params.person_id };
      if ((await lockPerson(work, key)) === undefined) throw new HttpError('person_not_found');
      await clearRefusal(work, key);
      const found = await findPerson(work, key);
      if (found === undefined) throw new HttpError('person_not_found');
      return {
        status: 200,
        body: toWirePerson(found),
        headers: etagOf(found),
        audit: { target: toTypeId('psn', found.personId), detail: { name: found.name } },
      };
    },
  }),
];
