/** What the dispatcher and the workflow that sends one e-mail agree on. Names are permanent: running workflows carry them. */
import { typeIdOf } from '../domain/typeid';

export const SEND_EMAIL_WORKFLOW = 'sendEmailWorkflow';

export interface SendEmailInput {
  tenantId: string;
  emailId: string;
}

/** One workflow per e-mail, whoever asks for it and how often. */
export function sendEmailWorkflowId({ emailId }: Pick<SendEmailInput, 'emailId'>): string {
  return `email:${typeIdOf('eml', emailId)}`;
}

/** What it came to. To whom, what about, and what the mail server said stand in the database (`emails`). */
export type SendEmailResult = 'sent' | 'failed' | 'withdrawn' | 'not_found';
