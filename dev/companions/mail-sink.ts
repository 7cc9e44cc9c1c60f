/** The mailbox of `npm start` and its packages, which are apart from the main tree, in `dev/mail-sink`. */
import { isInstalled } from '../tools/ensure-dependencies.mjs';
import { mailSinkPackages, type MailSinkOptions, serveMailSink } from './mail-sink-server';
import { runToEnd } from '../start/processes';

/** Installs it if it is not there. */
export async function ensureMailSink(onFetch?: (what: string) => void): Promise<void> {
  if (isInstalled(mailSinkPackages)) return;
  onFetch?.('maildev');
  // npm hands its settings to what it runs, so ours for the main tree arrive here; one package of maildev names a newer Node than it needs.
  await runToEnd('npm', ['ci', '--loglevel=error', '--engine-strict=false'], { cwd: mailSinkPackages });
}

export async function startMailSink({
  onFetch,
  ...options
}: MailSinkOptions & { onFetch?: (what: string) => void }): ReturnType<typeof serveMailSink> {
  await ensureMailSink(onFetch);
  return serveMailSink(options);
}
