/** Bundles the workflows when the image is built, so that a worker starts in a fraction of a second. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';

export const BUNDLE_PATH = path.join(__dirname, 'workflow-bundle.js');

if (require.main === module) {
  bundleWorkflowCode({ workflowsPath: require.resolve('../workflows') })
    .then(({ code }) => writeFile(BUNDLE_PATH, code))
    .catch((error: unknown) => {
      console.error('The workflows could not be bundled:', error);
      process.exit(1);
    });
}
