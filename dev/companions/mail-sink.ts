/** The mailbox of `npm start`. Its packages have a tree of their own, `dev/mail-sink`. */
import { isInstalled } from '../tools/ensure-dependencies.mjs';
import { lockFolder } from '../tools/folder-lock.mjs';
import { mailSinkPackages, type MailSinkOptions, serveMailSink } from './mail-sink-server';
import { runToEnd } from '../start/processes';

/** Installs it if it is not there. */
export async function ensureMailSink(onFetch?: (what: string) => void): Promise<void> {
  if (isInstalled(mailSinkPackages)) return;
  const { release, holder } = await lockFolder(mailSinkPackages);
  if (!release) throw new Error(`${mailSinkPackages} is being installed by process ${holder}. Wait for it.`);
  onFetch?.('maildev');
  // Settings of the main tree reach this npm too. One package of maildev declares a newer Node than it needs.
  try {
    await runToEnd('npm', ['ci', '--loglevel=error', '--engine-strict=false'], { cwd: mailSinkPackages });
  } finally {
    release();
  }
}

export async function startMailSink({
  onFetch,
  ...options
}: MailSinkOptions & { onFetch?: (what: string) => void }): ReturnType<typeof serveMailSink> {
  await ensureMailSink(onFetch);
  return serveMailSink(options);
}
