/** Reads an export, counts it while it arrives, and checks that it is complete. */
import { Problem } from '../../api/client';

export interface ExportProgress {
  bytes: number;
  rows: number;
}

/** The last line is short; this many bytes surely hold it. */
const LAST_LINE_BYTES_MAX = 65_536;
const LINE_END = 10;
/** The first and the last line are no rows. */
const LINES_WITHOUT_ROW = 2;

/** The browser keeps the file on its disk. Throws a Problem if the export is refused or was cut off. */
export async function readExport(
  tenantId: string,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: ExportProgress) => void },
): Promise<Blob> {
  const response = await fetch(`/console/v1/tenants/${tenantId}/export`, { signal });
  if (!response.ok || response.body === null)
    throw new Problem(response.status, (await response.json().catch(() => ({}))) as object);
  let [bytes, lines] = [0, 0];
  const counted = response.body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        bytes += chunk.length;
        for (const byte of chunk) if (byte === LINE_END) lines += 1;
        onProgress({ bytes, rows: Math.max(lines - LINES_WITHOUT_ROW, 0) });
        controller.enqueue(chunk);
      },
    }),
  );
  const file = await new Response(counted).blob();
  if (!(await isComplete(file)))
    throw new Problem(0, {
      code: 'export_cut_off',
      title: 'The export was cut off',
      detail: 'Its last line is missing, so it is not complete. Nothing was saved. Export again.',
    });
  return file;
}

async function isComplete(file: Blob): Promise<boolean> {
  const tail = await file.slice(-LAST_LINE_BYTES_MAX).text();
  return tail.trimEnd().split('\n').at(-1)?.startsWith('{"kind":"end"') === true;
}

/** Until then the browser has begun to save the file. */
const SAVED_AFTER_MS = 60_000;

export function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SAVED_AFTER_MS);
}
