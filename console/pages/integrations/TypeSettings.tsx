import { Group, NativeSelect, NumberInput, Stack, Table } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import type { Schemas } from '../../api/client';
import { ActionButton } from '../../common/ActionButton';
import { toWords } from '../../common/formatting';
import { Section } from '../../common/Section';
import { ProblemView } from '../../common/States';
import { useRefusal } from '../../session/session';
import { useIntegrationChange } from './use-change';

type Settings = Schemas['RecordTypeSettings'];
type ThresholdKind = keyof Settings['safety_thresholds'];
type Drift = Settings['on_drift'];

const DRIFTS: { value: Drift; label: string }[] = [
  { value: 'report', label: 'Only report it' },
  { value: 'repair', label: "Push Syncline's value again" },
  { value: 'accept', label: "Accept the app's value" },
];
const THRESHOLDS: { kind: ThresholdKind; label: string }[] = [
  { kind: 'pull_delete', label: 'Records deleted in Syncline' },
  { kind: 'pull_empty', label: 'Fields emptied in Syncline' },
  { kind: 'pull_grow', label: 'New records in Syncline' },
  { kind: 'push_create', label: 'Records created in the app' },
  { kind: 'push_overwrite', label: 'Values replaced in the app' },
  { kind: 'push_deactivate', label: 'Records deactivated in the app' },
  { kind: 'push_delete', label: 'Records deleted in the app' },
];

interface TypeSettingsProps {
  integration: Schemas['Integration'];
  etag: string;
}

/** The settings of each record type that are not part of its mapping. */
export function TypeSettings({ integration, etag }: TypeSettingsProps) {
  return Object.entries(integration.type_settings).map(([type, settings]) => (
    <TypeForm key={type} type={type} settings={settings} integration={integration} etag={etag} />
  ));
}

interface Threshold {
  count: number | string;
  percent: number | string;
  hours: number | string;
}
interface Draft {
  drift: Drift;
  /** Empty: learned from how late changes became visible. */
  overlap: number | string;
  thresholds: Record<ThresholdKind, Threshold>;
}

const toDraft = ({
  on_drift: drift,
  overlap_minutes: overlap,
  safety_thresholds: given,
}: Settings): Draft => ({
  drift,
  overlap: overlap ?? '',
  thresholds: Object.fromEntries(
    THRESHOLDS.map(({ kind }) => {
      const { count, share, window_hours: hours } = given[kind];
      return [kind, { count, percent: Math.round(share * 1e6) / 1e4, hours }];
    }),
  ) as Draft['thresholds'],
});

const toSettings = ({ drift, overlap, thresholds }: Draft): Settings => ({
  on_drift: drift,
  overlap_minutes: overlap === '' ? null : Number(overlap),
  safety_thresholds: Object.fromEntries(
    THRESHOLDS.map(({ kind }) => {
      const { count, percent, hours } = thresholds[kind];
      return [kind, { count: Number(count), share: Number(percent) / 100, window_hours: Number(hours) }];
    }),
  ) as Settings['safety_thresholds'],
});

function TypeForm({
  type,
  settings,
  integration,
  etag,
}: TypeSettingsProps & { type: string; settings: Settings }) {
  const [draft, setDraft] = useState(() => toDraft(settings));
  const refusal = useRefusal('admin');
  const save = useIntegrationChange({ integration, etag });
  const isReadOnly = refusal !== undefined;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    save.mutate({ type_settings: { [type]: toSettings(draft) } });
  };
  return (
    <form onSubmit={submit} aria-label={`Settings of ${type}`}>
      <Section title={toWords(type)}>
        {save.error && <ProblemView error={save.error} />}
        <Stack gap="sm">
          <Group align="flex-start" grow>
            <NativeSelect
              label="If a pushed record is changed in the app"
              description="What the nightly sync does with the change."
              data={DRIFTS}
              value={draft.drift}
              disabled={isReadOnly}
              onChange={(event) => setDraft({ ...draft, drift: event.currentTarget.value as Drift })}
            />
            <NumberInput
              label="Overlap of hourly syncs in minutes"
              description="How much further back each sync reads, to find changes that become visible late. Leave empty to let Syncline choose."
              min={0}
              max={10_080}
              value={draft.overlap}
              readOnly={isReadOnly}
              onChange={(overlap) => setDraft({ ...draft, overlap })}
            />
          </Group>
          <Thresholds
            shown={draft.thresholds}
            isReadOnly={isReadOnly}
            onChange={(kind, threshold) =>
              setDraft({ ...draft, thresholds: { ...draft.thresholds, [kind]: threshold } })
            }
          />
          <Group>
            <ActionButton type="submit" loading={save.isPending} refusal={refusal}>
              Save
            </ActionButton>
          </Group>
        </Stack>
      </Section>
    </form>
  );
}

interface ThresholdsProps {
  shown: Draft['thresholds'];
  isReadOnly: boolean;
  onChange: (kind: ThresholdKind, threshold: Threshold) => void;
}

function Thresholds({ shown, isReadOnly, onChange }: ThresholdsProps) {
  return (
    <Table aria-label="Safety thresholds" captionSide="top">
      <Table.Caption>
        Changes wait for approval if they exceed both limits within the time window. Changes that only reach a
        limit are applied.
      </Table.Caption>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">Change</Table.Th>
          <Table.Th scope="col">Records</Table.Th>
          <Table.Th scope="col">Share in %</Table.Th>
          <Table.Th scope="col">Within hours</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {THRESHOLDS.map(({ kind, label }) => (
          <Table.Tr key={kind}>
            <Table.Th scope="row">{label}</Table.Th>
            {COLUMNS.map(({ member, what, ...limits }) => (
              <Table.Td key={member}>
                <NumberInput
                  aria-label={`${label}: ${what}`}
                  required
                  {...limits}
                  {...(kind === 'pull_grow' && member === 'percent' ? { max: 100_000 } : {})}
                  value={shown[kind][member]}
                  readOnly={isReadOnly}
                  onChange={(value) => onChange(kind, { ...shown[kind], [member]: value })}
                />
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

const COLUMNS = [
  { member: 'count', what: 'records', min: 0, max: 1_000_000_000, allowDecimal: false },
  { member: 'percent', what: 'share in %', min: 0, max: 100, decimalScale: 4 },
  { member: 'hours', what: 'within hours', min: 1, max: 720, allowDecimal: false },
] as const;
