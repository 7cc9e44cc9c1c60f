/** maildev: catches every mail and shows it on a page. Its packages are apart from the main tree, in `dev/mail-sink`. */
import path from 'node:path';
import { isInstalled } from './ensure-dependencies.mjs';
import { projectFolder } from './paths';
import { answersHttp, runToEnd, startProcess, waitUntilReady, type SupervisedProcess } from './processes';

export interface MailSinkOptions {
  folder: string;
  logFile: string;
  smtpPort: number;
  pagePort: number;
  onFetch?: (what: string) => void;
}

const packageFolder = path.join(projectFolder, 'dev/mail-sink');

/** Installs it if it is not there. */
export async function ensureMailSink(onFetch?: (what: string) => void): Promise<void> {
  if (isInstalled(packageFolder)) return;
  onFetch?.('maildev');
  // npm hands its settings to what it runs, so ours for the main tree arrive here; one package of maildev names a newer Node than it needs.
  await runToEnd('npm', ['ci', '--loglevel=error', '--engine-strict=false'], { cwd: packageFolder });
}

/** Mails stay in `folder` over restarts. */
export async function startMailSink(options: MailSinkOptions): Promise<{ pageUrl: string; process: SupervisedProcess }> {
  await ensureMailSink(options.onFetch);
  const address = ['--ip', '127.0.0.1', '--smtp', String(options.smtpPort), '--web-ip', '127.0.0.1', '--web', String(options.pagePort)];
  const child = await startProcess({
    name: 'mail sink',
    command: process.execPath,
    args: [path.join(packageFolder, 'node_modules/maildev/dist/bin/maildev.js'), ...address, '--mail-directory', options.folder],
    logFile: options.logFile,
  });
  const pageUrl = `http://127.0.0.1:${options.pagePort}`;
  await waitUntilReady(child, () => answersHttp(`${pageUrl}/api/healthz`));
  return { pageUrl, process: child };
}
