import { Button, Group, Stack, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import type { Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { plural, toNumber } from '../../common/formatting';
import { ProblemView } from '../../common/States';
import { useAction } from '../../common/use-action';
import { type ExportProgress, readExport, save } from './export-stream';

const BYTES_OF_A_MEGABYTE = 1_000_000;

/** Saves an export only if it is complete, and shows how far it is until then. */
export function ExportTenant({ tenant: { id } }: { tenant: Schemas['Tenant'] }) {
  const [progress, setProgress] = useState<ExportProgress>();
  const [isStopped, setStopped] = useState(false);
  const underWay = useRef<AbortController>(null);
  useEffect(() => () => underWay.current?.abort(), []);
  const run = useAction({
    async run() {
      const controller = new AbortController();
      underWay.current = controller;
      setStopped(false);
      setProgress({ bytes: 0, rows: 0 });
      const file = await readExport(id, { signal: controller.signal, onProgress: setProgress });
      save(file, `export-${id}.jsonl`);
    },
    isQuiet: true,
  });
  const stop = (): void => {
    setStopped(true);
    underWay.current?.abort();
  };
  return (
    <Stack gap="xs">
      {run.error && !isStopped && <ProblemView error={run.error} />}
      <Group>
        <ActionButton
          variant="default"
          leftSection={<Download size={16} aria-hidden />}
          loading={run.isPending}
          onClick={() => run.mutate()}
        >
          Export all data
        </ActionButton>
        {run.isPending && (
          <Button variant="default" onClick={stop}>
            Stop export
          </Button>
        )}
      </Group>
      {progress !== undefined && (
        <Text size="sm" role="status">
          {run.isPending && 'Exporting: '}
          {run.isSuccess && 'The export is complete: '}
          {isStopped && 'Stopped after '}
          {run.isError && !isStopped && 'Failed after '}
          {plural(progress.rows, 'row')}, {toNumber(Math.ceil(progress.bytes / BYTES_OF_A_MEGABYTE))} MB
        </Text>
      )}
    </Stack>
  );
}
