/**
 * The mailbox as a process: maildev, which keeps every e-mail and shows it on a page (`mail-sink.ts` installs
 * it).
 */
import path from 'node:path';
import { projectFolder } from '../tools/paths';
import { answersHttp, startProcess, waitUntilReady, type SupervisedProcess } from '../start/processes';

export interface MailSinkOptions {
  folder: string;
  logFile: string;
  smtpPort: number;
  pagePort: number;
}

export const mailSinkPackages = path.join(projectFolder, 'dev/mail-sink');

/** Mails stay in `folder` over restarts. */
export async function serveMailSink(
  options: MailSinkOptions,
): Promise<{ pageUrl: string; process: SupervisedProcess }> {
  const address = [
    '--ip',
    '127.0.0.1',
    '--smtp',
    String(options.smtpPort),
    '--web-ip',
    '127.0.0.1',
    '--web',
    String(options.pagePort),
  ];
  const child = await startProcess({
    name: 'mail sink',
    command: process.execPath,
    args: [
      path.join(mailSinkPackages, 'node_modules/maildev/dist/bin/maildev.js'),
      ...address,
      '--mail-directory',
      options.folder,
    ],
    logFile: options.logFile,
    ports: [options.smtpPort, options.pagePort],
  });
  const pageUrl = `http://127.0.0.1:${options.pagePort}`;
  await waitUntilReady(child, () => answersHttp(`${pageUrl}/api/healthz`));
  return { pageUrl, process: child };
}
