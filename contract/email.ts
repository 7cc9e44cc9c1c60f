/** Names and messages of the workflow that sends one e-mail. Permanent: running workflows carry them. */
import { typeIdOf } from '../domain/typeid';

export const EMAIL_WORKFLOW = 'emailWorkflow';

export interface SendEmailInput {
  tenantId: string;
  emailId: string;
}

/** One workflow per e-mail, also if it is requested more than once. */
export function emailWorkflowId({ emailId }: Pick<SendEmailInput, 'emailId'>): string {
  return `email:${typeIdOf('eml', emailId)}`;
}

/**
 * The recipient, the content and the mail server's answer are in the database (`emails`), not in the history.
 */
export type SendEmailResult = 'sent' | 'failed' | 'withdrawn' | 'not_found';
