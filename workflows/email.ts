/**
 * Sends one e-mail. The activity decides about further attempts and the time between them, from the e-mail's
 * row.
 */
import type { SendEmailInput, SendEmailResult } from '../contract/email';
import { emailActivities } from './activities';

export async function emailWorkflow(input: SendEmailInput): Promise<SendEmailResult> {
  const { sendEmail } = emailActivities(input.tenantId);
  return sendEmail(input);
}
