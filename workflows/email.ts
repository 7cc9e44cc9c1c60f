/** Sends one e-mail. The attempts and the time between them are the activity's: what is known of an e-mail is its row. */
import type { SendEmailInput, SendEmailResult } from '../contract/email';
import { emailActivities } from './activities';

export async function sendEmailWorkflow(input: SendEmailInput): Promise<SendEmailResult> {
  const { sendEmail } = emailActivities(input.tenantId);
  return sendEmail(input);
}
