/** States that every page has: loading, empty, failed. */
import { Alert, Anchor, Button, Group, List, Skeleton, Stack, Text } from '@mantine/core';
import { CircleAlert, Inbox, Lock, SearchX } from 'lucide-react';
import type { ReactNode } from 'react';
import { asProblem, type Problem } from '../api/client';

export function Loading({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
  return (
    <Stack gap="sm" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton
          key={row}
          height={row === 0 ? 28 : 18}
          width={row === 0 ? '30%' : `${95 - ((row * 13) % 40)}%`}
        />
      ))}
    </Stack>
  );
}

/** Why a list is empty, and what to do about it. */
export function Empty({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <Stack align="center" gap="xs" py="xl" ta="center">
      <Inbox size={32} aria-hidden />
      <Text fw={600}>{title}</Text>
      {children !== undefined && (
        <Text c="dimmed" maw={520}>
          {children}
        </Text>
      )}
      {action}
    </Stack>
  );
}

const LOOKS: Record<number, { icon: ReactNode; color: string }> = {
  403: { icon: <Lock aria-hidden />, color: 'gray' },
  404: { icon: <SearchX aria-hidden />, color: 'gray' },
};

/** What failed, what to do next, and the request id to quote when asking for help. */
export function ProblemView({ error, retry }: { error: unknown; retry?: (() => void) | undefined }) {
  const problem = asProblem(error);
  const { icon, color } = LOOKS[problem.status] ?? { icon: <CircleAlert aria-hidden />, color: 'red' };
  return (
    <Alert
      variant="light"
      color={color}
      icon={icon}
      title={problem.title}
      role="alert"
      styles={{ message: { color: 'var(--mantine-color-text)' } }}
    >
      <Stack gap="xs">
        <Text size="sm">{problem.detail}</Text>
        {problem.errors.length > 0 && (
          <List size="sm">
            {problem.errors.map(({ pointer, message }) => (
              <List.Item key={pointer + message}>
                <code>{pointer}</code> {message}
              </List.Item>
            ))}
          </List>
        )}
        {problem.status === 403 && (
          <Text size="sm">An admin of your company can give you the required role.</Text>
        )}
        <NextSteps problem={problem} retry={retry} />
      </Stack>
    </Alert>
  );
}

function NextSteps({ problem, retry }: { problem: Problem; retry?: (() => void) | undefined }) {
  return (
    <Group gap="md">
      {retry !== undefined && problem.status !== 403 && problem.status !== 404 && (
        <Button size="xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
      {problem.status > 0 && (
        <Anchor
          size="sm"
          href={`/docs/errors/${problem.code}`}
          target="_blank"
          rel="noreferrer"
          underline="always"
        >
          What does {problem.code} mean?
        </Anchor>
      )}
      {problem.requestId !== undefined && (
        <Text size="xs" c="dimmed">
          Request {problem.requestId}
        </Text>
      )}
    </Group>
  );
}

interface ReadQuery<Data> {
  data: Data | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** Shows what was read. If reading it again fails, the last data stays, with the problem above it. */
export function Read<Data>({
  query,
  rows,
  children,
}: {
  query: ReadQuery<Data>;
  rows?: number;
  children: (data: Data) => ReactNode;
}) {
  const retry = () => void query.refetch();
  if (query.data !== undefined)
    return (
      <>
        {query.error ? (
          <Stack mb="md">
            <ProblemView error={query.error} retry={retry} />
          </Stack>
        ) : null}
        {children(query.data)}
      </>
    );
  if (query.isPending) return <Loading {...(rows === undefined ? {} : { rows })} />;
  return <ProblemView error={query.error} retry={retry} />;
}
