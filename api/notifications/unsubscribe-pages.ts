/**
 * The page behind the unsubscribe link of an e-mail. GET changes nothing, because mail scanners open links. A
 * POST by the page's button, or by the mail program (RFC 8058), turns off the person's e-mails. Neither
 * needs a sign-in or a cookie.
 */
import { type Request, Router } from 'express';
import { readUnsubscribeToken } from '../../db/notifications/unsubscribe-token';
import { appendAuditEntry } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import { changePersonEmails } from '../../db/tenants/people';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { limitVisitors } from '../http/rate-limits';
import { requestIdOf } from '../routing/request-context';

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export function createUnsubscribePages({
  database,
  encryption,
}: Pick<ApiDependencies, 'database' | 'encryption'>): Router {
  const router = Router();
  const subscriberOf = ({ params }: Request) => {
    const subscriber = readUnsubscribeToken(encryption, String(params['token']));
    if (subscriber !== undefined) return subscriber;
    throw new HttpError('route_not_found', {
      detail: 'The link is not valid. Change the setting in Syncline.',
    });
  };
  router.use(limitVisitors(), (_request, response, next) => {
    response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  router.get('/:token', (request, response) => {
    subscriberOf(request);
    response.type('html').send(page(QUESTION));
  });
  router.post('/:token', (request, response, next) => {
    const { tenantId, personId } = subscriberOf(request);
    database
      .withTenant(tenantId, async (work) => {
        if (!(await changePersonEmails(work, { personId, isEmailOn: false }))) return;
        await appendAuditEntry(work, {
          actor: 'unsubscribe_link',
          action: 'person.emails_changed',
          target: toTypeId('psn', personId),
          detail: { is_email_on: false },
          ip: request.ip ?? null,
          requestId: requestIdOf(request),
        });
      })
      .then(() => response.type('html').send(page(DONE)), next);
  });
  return router;
}

const QUESTION = `<h1>Turn off e-mails from Syncline?</h1>
<p>You would get no more e-mails about notifications. The console still shows all of them. As an admin you still
get e-mails about errors that last until an admin acts.</p>
<form method="post"><button type="submit">Turn off e-mails</button></form>`;
const DONE = `<h1>E-mails are turned off</h1>
<p>To turn them on again, sign in to Syncline and open your account.</p>`;

const page = (body: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>E-mails from Syncline</title></head>
<body style="max-width:560px;margin:48px auto;padding:0 16px;font:16px/1.5 system-ui,sans-serif">
${body}
</body>
</html>
`;
