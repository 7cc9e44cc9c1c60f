/** How large a page of a list may be, as an integration sets it. */
import { z } from 'zod';

const MIB = 1024 * 1024;

export const PageMib = z
  .int()
  .min(1)
  .max(16)
  .describe('The size in MiB that a page of a list may have. A setting of the worker by default.');

export const pageBytesMax = ({ page_mib: mib }: { page_mib?: number | undefined }): number | 'page' =>
  mib === undefined ? 'page' : mib * MIB;
