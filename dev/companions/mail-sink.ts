/** The mailbox of `npm start`. Its packages have a tree of their own, `dev/mail-sink`. */
import { mailSinkPackages, type MailSinkOptions, serveMailSink } from './mail-sink-server';
import { ensureOwnPackages } from './own-packages';

/** Installs it if it is not there. */
export const ensureMailSink = (onFetch?: (what: string) => void): Promise<void> =>
  ensureOwnPackages(mailSinkPackages, 'maildev', onFetch);

export async function startMailSink({
  onFetch,
  ...options
}: MailSinkOptions & { onFetch?: (what: string) => void }): ReturnType<typeof serveMailSink> {
  await ensureMailSink(onFetch);
  return serveMailSink(options);
}
