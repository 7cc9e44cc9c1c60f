/** Tries calls of the definition against the real product. Credentials stay in this page. */
import {
  Checkbox,
  MultiSelect,
  PasswordInput,
  Select,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { toWords } from '../../../common/formatting';
import { Section } from '../../../common/Section';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { type Definition, formOf, readDefinition, readRecord } from './definition-text';
import { TryResults } from './TryResults';

type TryName = Exclude<Schemas['DefinitionTries']['results'][number]['try'], 'clean_up'>;

const TRIES: TryName[] = [
  'check',
  'wrong_credentials',
  'list',
  'next_page',
  'same_order',
  'modified_since',
  'find',
  'unknown_id',
  'create',
  'find_again',
  'update',
  'no_op_update',
  'error',
  'remove',
];

interface Inputs {
  signIn: string | null;
  recordType: string | null;
  parameters: Record<string, string>;
  credentials: Record<string, string>;
  tries: TryName[];
  mayWrite: boolean;
  externalId: string;
  record: string;
  change: string;
  wrong: string;
}

const EMPTY: Inputs = {
  signIn: null,
  recordType: null,
  parameters: {},
  credentials: {},
  tries: [],
  mayWrite: false,
  externalId: '',
  record: '',
  change: '',
  wrong: '',
};

interface TryPanelProps {
  text: string;
  /** The whole suite has passed with this definition. */
  onPassed: (definition: Definition) => void;
}

export function TryPanel({ text, onPassed }: TryPanelProps) {
  const [inputs, setInputs] = useState(EMPTY);
  const [tries, setTries] = useState<Schemas['DefinitionTries']>();
  const run = useAction({
    run: (tried: string) =>
      answerOf(api.POST('/v1/platform/third-party-definitions/try', { body: toRequest(tried, inputs) })),
    isQuiet: true,
    onDone(found, tried) {
      setTries(found);
      const definition = readDefinition(tried);
      if (definition.ok && isWholeSuite(found)) onPassed(definition.parts);
    },
  });
  const read = readDefinition(text);
  const change = (part: Partial<Inputs>): void => setInputs({ ...inputs, ...part });
  return (
    <Section
      title="Try"
      hint="A worker makes the calls, within 20 seconds. Credentials are used for the tries alone."
    >
      <Stack align="flex-start">
        {read.ok && <Account form={formOf(read.parts)} inputs={inputs} onChange={change} />}
        <MultiSelect
          w="100%"
          label="What to try"
          description="Everything, unless you choose: the suite that each connector passes."
          data={TRIES.map((value) => ({ value, label: toWords(value) }))}
          value={inputs.tries}
          onChange={(chosen) => change({ tries: chosen })}
          clearable
        />
        <Checkbox
          label="May write a test record, which is removed at the end"
          checked={inputs.mayWrite}
          onChange={(event) => change({ mayWrite: event.currentTarget.checked })}
        />
        {inputs.mayWrite && <Records inputs={inputs} onChange={change} />}
        {run.error && <ProblemView error={run.error} />}
        <ActionButton
          loading={run.isPending}
          refusal={read.ok ? undefined : read.message}
          onClick={() => run.mutate(text)}
        >
          Try
        </ActionButton>
        {run.isPending && (
          <Text size="sm" role="status">
            The worker is trying the calls.
          </Text>
        )}
        {tries !== undefined && !run.isPending && <TryResults tries={tries} />}
      </Stack>
    </Section>
  );
}

const isWholeSuite = ({ results }: Schemas['DefinitionTries']): boolean =>
  results.every(({ outcome }) => outcome === 'passed') &&
  TRIES.every((one) => results.some((result) => result.try === one));

interface PartProps {
  inputs: Inputs;
  onChange: (part: Partial<Inputs>) => void;
}

function Account({ form, inputs, onChange }: PartProps & { form: ReturnType<typeof formOf> }) {
  const { signIns, parameters, recordTypes } = form;
  const signIn = signIns.find(({ key }) => key === inputs.signIn) ?? signIns[0];
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} w="100%">
      {recordTypes.length > 0 && (
        <Select
          label="Record type"
          allowDeselect={false}
          data={recordTypes}
          value={recordTypes.find((name) => name === inputs.recordType) ?? recordTypes[0] ?? null}
          onChange={(recordType) => onChange({ recordType })}
        />
      )}
      {signIns.length > 1 && (
        <Select
          label="How to sign in"
          allowDeselect={false}
          data={signIns.map(({ key, label }) => ({ value: key, label }))}
          value={signIn?.key ?? null}
          onChange={(key) => onChange({ signIn: key, credentials: {} })}
        />
      )}
      {parameters.map(({ name, example }) => (
        <TextInput
          key={name}
          label={`Parameter ${name}`}
          placeholder={example}
          value={inputs.parameters[name] ?? ''}
          onChange={(event) =>
            onChange({ parameters: { ...inputs.parameters, [name]: event.currentTarget.value } })
          }
        />
      ))}
      {signIn?.credentials.map((name) => (
        <PasswordInput
          key={name}
          label={`Credential ${name}`}
          autoComplete="off"
          value={inputs.credentials[name] ?? ''}
          onChange={(event) =>
            onChange({ credentials: { ...inputs.credentials, [name]: event.currentTarget.value } })
          }
          visibilityToggleButtonProps={{ 'aria-label': `Show or hide ${name}`, tabIndex: 0 }}
        />
      ))}
    </SimpleGrid>
  );
}

const RECORDS = [
  ['record', 'Test record', 'Fields by the names of Syncline, such as {"email": "try@example.com"}.'],
  ['change', 'What update changes', 'Such as {"first_name": "Ada"}.'],
  ['wrong', 'A record that must be refused', 'Such as {"email": "no address"}.'],
] as const;

function Records({ inputs, onChange }: PartProps) {
  return (
    <>
      {RECORDS.map(([name, label, description]) => (
        <Textarea
          key={name}
          label={label}
          description={description}
          w="100%"
          autosize
          minRows={2}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          value={inputs[name]}
          onChange={(event) => onChange({ [name]: event.currentTarget.value })}
        />
      ))}
      <TextInput
        label="External id of a record that is there"
        description="For the try of a search. Optional."
        w="100%"
        value={inputs.externalId}
        onChange={(event) => onChange({ externalId: event.currentTarget.value })}
      />
    </>
  );
}

function toRequest(text: string, inputs: Inputs) {
  const read = readDefinition(text);
  if (!read.ok) throw new Error(read.message);
  const { signIns, recordTypes } = formOf(read.parts);
  const given = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
  const known = <Value extends string>(values: Value[], value: string | null) =>
    values.find((one) => one === value);
  const signIn = known(
    signIns.map(({ key }) => key),
    inputs.signIn,
  );
  const recordType = known(recordTypes, inputs.recordType);
  const records = {
    record: readRecord('Test record', inputs.record),
    change: readRecord('What update changes', inputs.change),
    wrong: readRecord('A record that must be refused', inputs.wrong),
  };
  return {
    definition: read.definition,
    parameters: given(inputs.parameters),
    credentials: given(inputs.credentials) as Record<string, never>,
    tries: inputs.tries.length === 0 ? ('suite' as const) : inputs.tries,
    may_write: inputs.mayWrite,
    ...(signIn !== undefined && { sign_in: signIn }),
    ...(recordType !== undefined && { record_type: recordType }),
    ...(inputs.externalId !== '' && { external_id: inputs.externalId }),
    ...(inputs.mayWrite && records.record !== undefined && { record: records.record }),
    ...(inputs.mayWrite && records.change !== undefined && { change: records.change }),
    ...(inputs.mayWrite && records.wrong !== undefined && { wrong: records.wrong }),
  };
}
