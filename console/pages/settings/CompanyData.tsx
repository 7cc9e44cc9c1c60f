import { Button, Stack, Text } from '@mantine/core';
import { Download } from 'lucide-react';
import { ActionButton } from '../../common/ActionButton';
import { RouterLink } from '../../common/RouterLink';
import { Section } from '../../common/Section';
import { useRefusal, useSession } from '../../session/session';

/** The export of everything that the company has, and how its data ends (rules.md 62). */
export function CompanyData() {
  const refusal = useRefusal('admin');
  return (
    <Section title="Data" actions={<Export refusal={refusal} />}>
      <Stack gap="xs">
        <Text size="sm">
          An export contains all rows of your company as JSON lines, without passwords and keys. It is
          complete if its last line is of the kind <code>end</code>: export again otherwise.
        </Text>
        <Text size="sm">
          {refusal === undefined ? (
            <RouterLink to="/erasures" underline="always">
              Erasures
            </RouterLink>
          ) : (
            'Erasures'
          )}{' '}
          erase the data of a person. Only the operator of Syncline can delete the company with everything
          that belongs to it.
        </Text>
      </Stack>
    </Section>
  );
}

function Export({ refusal }: { refusal: string | undefined }) {
  const { tenant } = useSession();
  const icon = <Download size={16} aria-hidden />;
  if (refusal !== undefined)
    return (
      <ActionButton variant="default" leftSection={icon} refusal={refusal}>
        Export all data
      </ActionButton>
    );
  return (
    <Button
      component="a"
      href="/console/v1/tenant/export"
      download={`export-${tenant.id}.jsonl`}
      variant="default"
      leftSection={icon}
    >
      Export all data
    </Button>
  );
}
