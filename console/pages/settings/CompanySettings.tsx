import { Group, Radio, Select, SimpleGrid, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answerOf, api, type Schemas } from '../../api/client';
import { tenantQuery, timeZonesQuery } from '../../api/queries';
import { ActionButton } from '../../common/ActionButton';
import { Section } from '../../common/Section';
import { ProblemView, Read } from '../../common/States';
import { Instant } from '../../common/Time';
import { useNow } from '../../common/time';
import { useAction } from '../../common/use-action';
import { useRefusal } from '../../session/session';

type Tenant = Schemas['Tenant'];
type Policy = Schemas['CompanySynchronizedPolicy'];

/** What the company decides itself. */
export function CompanySettings() {
  const tenant = useQuery(tenantQuery);
  return (
    <Section title="Company" hint={<Read query={tenant}>{({ body }) => <About tenant={body} />}</Read>}>
      <Read query={tenant} rows={4}>
        {({ body, etag }) => <Form key={etag} tenant={body} etag={etag} />}
      </Read>
    </Section>
  );
}

function About({ tenant }: { tenant: Tenant }) {
  return (
    <span style={{ overflowWrap: 'anywhere' }}>
      {tenant.name}, with us since <Instant at={tenant.created_at} /> · {tenant.id}
    </span>
  );
}

function Form({ tenant, etag }: { tenant: Tenant; etag: string }) {
  const refusal = useRefusal('admin');
  const [zone, setZone] = useState(tenant.time_zone);
  const [contact, setContact] = useState(tenant.contact_email ?? '');
  const [policy, setPolicy] = useState<Policy>(tenant.company_synchronized_policy);
  const { data: zones = [] } = useQuery(timeZonesQuery);
  const change = {
    ...(zone === tenant.time_zone ? {} : { time_zone: zone }),
    ...(contact.trim() === (tenant.contact_email ?? '')
      ? {}
      : { contact_email: contact.trim() === '' ? null : contact.trim() }),
    ...(policy === tenant.company_synchronized_policy ? {} : { company_synchronized_policy: policy }),
  };
  const save = useAction({
    run: () => answerOf(api.PATCH('/v1/tenant', { params: { header: { 'If-Match': etag } }, body: change })),
    isQuiet: true,
    done: 'Saved.',
    changes: ['tenant', 'me', 'integrations'],
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  const isReadOnly = refusal !== undefined;
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {save.error && <ProblemView error={save.error} />}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select
            label="Time zone"
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            description={
              <>
                Nightly syncs follow it, and all times here are shown in it. It is{' '}
                <Clock zone={tenant.time_zone} /> there.
              </>
            }
            data={zones.includes(tenant.time_zone) ? zones : [tenant.time_zone, ...zones]}
            value={zone}
            onChange={(chosen) => setZone(chosen ?? tenant.time_zone)}
            searchable
            limit={100}
            readOnly={isReadOnly}
          />
          <TextInput
            type="email"
            label="Contact"
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            description="Where mail goes about what needs a person, and when an onboarding is completed."
            value={contact}
            readOnly={isReadOnly}
            onChange={(event) => setContact(event.currentTarget.value)}
          />
        </SimpleGrid>
        <PolicyChoice tenant={tenant} chosen={policy} onChoose={setPolicy} isReadOnly={isReadOnly} />
        <Group>
          <ActionButton
            type="submit"
            loading={save.isPending}
            refusal={refusal ?? (Object.keys(change).length > 0 ? undefined : 'Nothing is changed yet.')}
          >
            Save
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

/** The early opt-in: until the switch either can be chosen; from then on there is no choice. */
function PolicyChoice({
  tenant,
  chosen,
  onChoose,
  isReadOnly,
}: {
  tenant: Tenant;
  chosen: Policy;
  onChoose: (policy: Policy) => void;
  isReadOnly: boolean;
}) {
  const switchAt = tenant.company_synchronized_switch_at;
  const isOver = useNow() >= Date.parse(switchAt);
  return (
    <Radio.Group
      label="When COMPANY_SYNCHRONIZED is told to webhooks"
      description={
        isOver ? (
          <>
            The same for everybody since <Instant at={switchAt} />.
          </>
        ) : (
          <>
            It counts for what is linked from now on. <Instant at={switchAt} /> the second goes away for
            everybody; choose the first to be ahead of that.
          </>
        )
      }
      value={chosen}
      onChange={onChoose}
      readOnly={isReadOnly}
    >
      <Stack gap="xs" mt="xs">
        <Radio
          value="all_datasets"
          disabled={isReadOnly}
          label="Once all datasets of what was linked are complete, and one at least succeeded"
        />
        <Radio
          value="first_dataset"
          disabled={isReadOnly || isOver}
          label={
            <>
              After the first dataset that succeeded{' '}
              <Text span inherit c="dimmed">
                (deprecated)
              </Text>
            </>
          }
        />
      </Stack>
    </Radio.Group>
  );
}

function Clock({ zone }: { zone: string }) {
  return <>{new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' }).format(useNow())}</>;
}
