import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { Workflow } from 'lucide-react';
import { useSession } from '../session/session';

/** Links to the workflows in Temporal's UI, for operators. Hidden unless its address is configured. */
export function WorkflowLinks({ of: workflows }: { of: { title: string; workflowId: string }[] }) {
  const { workflows_url: base } = useSession();
  if (base === null) return null;
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Tooltip label="Show in Temporal's UI">
          <ActionIcon variant="default" size="lg" aria-label="Show in Temporal's UI">
            <Workflow size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {workflows.map(({ title, workflowId }) => (
          <Menu.Item
            key={workflowId}
            component="a"
            href={`${base}/${encodeURIComponent(workflowId)}`}
            target="_blank"
            rel="noreferrer"
          >
            {title}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
