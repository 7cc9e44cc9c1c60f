/** Links a product by its definition: what differs between accounts, and the credentials. */
import { Anchor, Group, List, PasswordInput, Select, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api, asProblem, type Problem, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { Section } from '../../../common/Section';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { useRefusal } from '../../../session/session';
import type { Drafts } from '../schema-form/json-schema';
import { type InitialPush, InitialPushInput } from '../PushTiming';
import { SendLink } from '../SendLink';
import { isByConsent, useConsent } from '../use-consent';
import { appNeededBy } from './oauth-app-choice';
import { OAuthAppInput } from './OAuthAppInput';

type Definition = Schemas['ThirdPartyDefinition'];
type SignIn = Definition['document']['sign_in'][number];

interface Draft {
  accountName: string;
  signIn: string;
  initialPush: InitialPush;
  parameters: Drafts;
  credentials: Drafts;
}

interface DefinitionFormProps {
  definition: Definition;
  onConnected: (integration: Schemas['Integration']) => void;
}

/**
 * Creates a paused integration, so that the connection can be checked before anything is synced; or goes to
 * the app for consent.
 */
export function DefinitionForm({ definition, onConnected }: DefinitionFormProps) {
  const { document } = definition;
  const [draft, setDraft] = useState<Draft>({
    accountName: '',
    signIn: document.sign_in[0]?.key ?? '',
    initialPush: 'all',
    parameters: {},
    credentials: {},
  });
  const connect = useAction({
    run: () => answerOf(api.POST('/v1/integrations', { body: withCredentials(definition, draft) })),
    isQuiet: true,
    changes: ['integrations', 'onboarding'],
    onDone: onConnected,
  });
  const consent = useConsent();
  const isConsent = isConsentChosen(definition, draft);
  const target = () => ({ integration: toNewIntegration(definition, draft) });
  const { error, isPending } = isConsent ? consent : connect;
  const problem = error === null ? undefined : asProblem(error);
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isConsent) consent.mutate(target());
    else connect.mutate();
  };
  const parts = { definition, draft, problem, onChange: change };
  return (
    <form onSubmit={submit}>
      <Stack>
        {problem && <ProblemView error={problem} />}
        <Account {...parts} />
        <SignInPart {...parts} />
        {isPushed(definition) && (
          <Section title="First push" hint="Begins when the integration is resumed, or after a consent.">
            <InitialPushInput value={draft.initialPush} onChange={(initialPush) => change({ initialPush })} />
          </Section>
        )}
        <Sources definition={definition} />
        <Group justify="flex-end">
          <SendLink app={document.name} label="Send a link instead" target={target} />
          <ActionButton type="submit" loading={isPending} refusal={useRefusal('admin')}>
            {isConsent ? `Continue to ${document.name}` : 'Connect and check'}
          </ActionButton>
        </Group>
      </Stack>
    </form>
  );
}

interface PartProps {
  definition: Definition;
  draft: Draft;
  problem: Problem | undefined;
  onChange: (part: Partial<Draft>) => void;
}

function Account({ definition: { document }, draft, problem, onChange }: PartProps) {
  return (
    <Section title={document.name} hint={document.description}>
      <Steps steps={document.help ?? []} />
      <TextInput
        label="Account name"
        description="Distinguishes this account from others of the same app."
        placeholder="Production"
        value={draft.accountName}
        onChange={(event) => onChange({ accountName: event.currentTarget.value })}
      />
      {parametersOf(document, draft).map(([name, parameter]) => (
        <ParameterInput
          key={name}
          parameter={parameter}
          value={draft.parameters[name]}
          error={errorAt(problem, `/third_party/parameters/${name}`)}
          onChange={(value) => onChange({ parameters: { ...draft.parameters, [name]: value } })}
        />
      ))}
    </Section>
  );
}

interface ParameterInputProps {
  parameter: Schemas['ThirdPartyParameter'];
  value: string | undefined;
  error: string | undefined;
  onChange: (value: string) => void;
}

function ParameterInput({ parameter, value, error, onChange }: ParameterInputProps) {
  const shared = {
    label: parameter.label,
    description: parameter.help,
    required: parameter.default === undefined,
    error,
  };
  return parameter.options === undefined ? (
    <TextInput
      {...shared}
      placeholder={parameter.default ?? parameter.example}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  ) : (
    <Select
      {...shared}
      allowDeselect={false}
      data={parameter.options}
      value={value ?? parameter.default ?? null}
      onChange={(chosen) => onChange(chosen ?? '')}
    />
  );
}

function SignInPart({ definition, draft, problem, onChange }: PartProps) {
  const { document } = definition;
  const chosen = signInOf(definition, draft);
  const app = appNeededBy(document, draft.signIn, draft.parameters);
  const hint = isConsentChosen(definition, draft)
    ? `${document.name} asks you to sign in and to agree. Syncline never sees your password there.`
    : 'Credentials are stored encrypted and are never shown again.';
  return (
    <Section title="Sign in" hint={hint}>
      {document.sign_in.length > 1 && (
        <Select
          label="How to sign in"
          allowDeselect={false}
          data={document.sign_in.map(({ key, label }) => ({ value: key, label }))}
          value={draft.signIn}
          onChange={(signIn) => onChange({ signIn: signIn ?? '', credentials: {} })}
        />
      )}
      <Steps steps={chosen?.help ?? []} />
      {app !== undefined && (
        <OAuthAppInput
          product={document.name}
          needed={app}
          value={draft.parameters[app.parameter]}
          error={
            errorAt(problem, `/third_party/parameters/${app.parameter}`) ??
            errorAt(problem, '/config/auth/app_id')
          }
          onChange={(id) => onChange({ parameters: { ...draft.parameters, [app.parameter]: id } })}
        />
      )}
      {Object.entries(chosen?.credentials ?? {}).map(([name, credential]) => (
        <CredentialInput
          key={name}
          credential={credential}
          value={draft.credentials[name] ?? ''}
          error={errorAt(problem, `/credentials/${name}`)}
          onChange={(value) => onChange({ credentials: { ...draft.credentials, [name]: value } })}
        />
      ))}
    </Section>
  );
}

interface CredentialInputProps {
  credential: NonNullable<SignIn['credentials']>[string];
  value: string;
  error: string | undefined;
  onChange: (value: string) => void;
}

function CredentialInput({
  credential: { label, help, is_long },
  value,
  error,
  onChange,
}: CredentialInputProps) {
  const shared = { label, description: help, required: true, error, value, autoComplete: 'off' };
  return is_long === true ? (
    <Textarea
      {...shared}
      autosize
      minRows={3}
      maxRows={10}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  ) : (
    <PasswordInput
      {...shared}
      onChange={(event) => onChange(event.currentTarget.value)}
      visibilityToggleButtonProps={{ 'aria-label': `Show or hide ${label}`, tabIndex: 0 }}
    />
  );
}

function Steps({ steps }: { steps: readonly string[] }) {
  return steps.length === 0 ? null : (
    <List type="ordered" size="sm">
      {steps.map((step) => (
        <List.Item key={step}>{step}</List.Item>
      ))}
    </List>
  );
}

function Sources({ definition: { document } }: Pick<DefinitionFormProps, 'definition'>) {
  const [first] = document.sources ?? [];
  return (
    <Stack gap={2}>
      <Steps steps={document.limits ?? []} />
      {first !== undefined && (
        <Text size="sm">
          <Anchor href={first} target="_blank" rel="noreferrer">
            Documentation of {document.name}
          </Anchor>
        </Text>
      )}
    </Stack>
  );
}

const signInOf = ({ document }: Definition, { signIn }: Draft): SignIn | undefined =>
  document.sign_in.find(({ key }) => key === signIn);

const isConsentChosen = (definition: Definition, draft: Draft): boolean =>
  isByConsent({ ...definition.document.config, ...signInOf(definition, draft)?.config });

const isPushed = ({ document }: Definition): boolean =>
  Object.values(document.record_types ?? {}).some(({ direction }) => direction !== 'pull');

const withoutEmpty = (drafts: Drafts): Drafts =>
  Object.fromEntries(Object.entries(drafts).filter(([, value]) => value !== ''));

function toNewIntegration({ key, version }: Definition, draft: Draft) {
  return {
    third_party: { key, version, sign_in: draft.signIn, parameters: withoutEmpty(draft.parameters) },
    initial_push: draft.initialPush,
    ...(draft.accountName === '' ? {} : { account_name: draft.accountName }),
  };
}

const withCredentials = (definition: Definition, draft: Draft) => ({
  ...toNewIntegration(definition, draft),
  credentials: withoutEmpty(draft.credentials),
  is_paused: true,
});

/** Without those that only other ways to sign in have, and without the OAuth app, which is chosen by name. */
function parametersOf(whole: Definition['document'], { signIn, parameters: given }: Draft) {
  const { parameters, sign_in: signIns, ...document } = whole;
  const texts = JSON.stringify([document, signIns.find(({ key }) => key === signIn)]);
  const app = appNeededBy(whole, signIn, given)?.parameter;
  return Object.entries(parameters ?? {}).filter(([name]) => name !== app && texts.includes(`\${${name}}`));
}

const errorAt = (problem: Problem | undefined, pointer: string): string | undefined =>
  problem?.errors?.find((error) => error.pointer === pointer)?.message;
