/** Packages of a companion of `npm start`, in a tree of their own: the product needs none of them. */
import { isInstalled } from '../tools/ensure-dependencies.mjs';
import { lockFolder } from '../tools/folder-lock.mjs';
import { runToEnd } from '../start/processes';

/** Installs them if they are not there. @param folder with a package.json and a lockfile */
export async function ensureOwnPackages(
  folder: string,
  title: string,
  onFetch?: (what: string) => void,
): Promise<void> {
  if (isInstalled(folder)) return;
  const { release, holder } = await lockFolder(folder);
  if (!release) throw new Error(`${folder} is being installed by process ${holder}. Wait for it.`);
  onFetch?.(title);
  // Settings of the main tree reach this npm too. Some packages declare a newer Node than they need.
  try {
    await runToEnd('npm', ['ci', '--loglevel=error', '--engine-strict=false'], { cwd: folder });
  } finally {
    release();
  }
}
