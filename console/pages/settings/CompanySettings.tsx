import { Group, Select, SimpleGrid, Stack, TextInput } from '@mantine/core';
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
import { PolicyChoice } from './PolicyChoice';

type Tenant = Schemas['Tenant'];

/** The settings that a company's admins can change. */
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
      {tenant.name}, created <Instant at={tenant.created_at} /> · {tenant.id}
    </span>
  );
}

interface Draft {
  zone: string;
  contact: string;
  policy: Schemas['CompanySynchronizedPolicy'];
}

function toChange(tenant: Tenant, { zone, contact, policy }: Draft) {
  const email = contact.trim();
  return {
    ...(zone === tenant.time_zone ? {} : { time_zone: zone }),
    ...(email === (tenant.contact_email ?? '') ? {} : { contact_email: email === '' ? null : email }),
    ...(policy === tenant.company_synchronized_policy ? {} : { company_synchronized_policy: policy }),
  };
}

function Form({ tenant, etag }: { tenant: Tenant; etag: string }) {
  const refusal = useRefusal('admin');
  const [draft, setDraft] = useState<Draft>({
    zone: tenant.time_zone,
    contact: tenant.contact_email ?? '',
    policy: tenant.company_synchronized_policy,
  });
  const change = toChange(tenant, draft);
  const save = useAction({
    run: () => answerOf(api.PATCH('/v1/tenant', { params: { header: { 'If-Match': etag } }, body: change })),
    isQuiet: true,
    done: 'Company settings saved.',
    changes: ['tenant', 'me', 'integrations'],
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate();
  };
  const isReadOnly = refusal !== undefined;
  const isChanged = Object.keys(change).length > 0;
  const edit = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const shared = { tenant, draft, isReadOnly, onEdit: edit };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {save.error && <ProblemView error={save.error} />}
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TimeZone {...shared} />
          <Contact {...shared} />
        </SimpleGrid>
        <PolicyChoice
          switchAt={tenant.company_synchronized_switch_at}
          chosen={draft.policy}
          onChoose={(policy) => edit({ policy })}
          isReadOnly={isReadOnly}
        />
        <Group>
          <ActionButton
            type="submit"
            loading={save.isPending}
            refusal={refusal ?? (isChanged ? undefined : 'There are no changes to save.')}
          >
            Save
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

interface FieldProps {
  tenant: Tenant;
  draft: Draft;
  isReadOnly: boolean;
  onEdit: (part: Partial<Draft>) => void;
}

function TimeZone({ tenant, draft, isReadOnly, onEdit }: FieldProps) {
  const { data: zones = [] } = useQuery(timeZonesQuery);
  return (
    <Select
      label="Time zone"
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      description={
        <>
          For nightly syncs and all times shown here. The time there is <Clock zone={tenant.time_zone} />.
        </>
      }
      data={zones.includes(tenant.time_zone) ? zones : [tenant.time_zone, ...zones]}
      value={draft.zone}
      onChange={(zone) => onEdit({ zone: zone ?? tenant.time_zone })}
      searchable
      limit={100}
      readOnly={isReadOnly}
    />
  );
}

function Contact({ draft, isReadOnly, onEdit }: FieldProps) {
  return (
    <TextInput
      inputMode="email"
      label="Contact e-mail"
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      description="Receives e-mails about problems and about completed initial syncs."
      value={draft.contact}
      readOnly={isReadOnly}
      onChange={(event) => onEdit({ contact: event.currentTarget.value })}
    />
  );
}

function Clock({ zone }: { zone: string }) {
  return <>{new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' }).format(useNow())}</>;
}
