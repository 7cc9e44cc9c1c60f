import { Alert, Code, Group, List, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { Page } from '../../../common/Page';
import { Section } from '../../../common/Section';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { type Definition, readDefinition } from './definition-text';
import { StartFrom } from './StartFrom';
import { TryPanel } from './TryPanel';

type Draft = Schemas['DefinitionDraft'];

/** From a curl command, an OpenAPI document or nothing to a definition that works. */
export function BuilderPage() {
  const [text, setText] = useState('');
  const [draft, setDraft] = useState<Draft>();
  const begin = (begun: Draft): void => {
    setDraft(begun);
    setText(JSON.stringify(begun.definition, null, 2));
  };
  return (
    <Page
      title="Build a definition"
      subtitle="Describe a product once, try each call against the real product, and add it for all tenants."
    >
      <StartFrom onDraft={begin} />
      {draft !== undefined && (
        <>
          <Editor text={text} draft={draft} onChange={setText} onChecked={setDraft} />
          <TryPanel text={text} />
          <Save text={text} />
        </>
      )}
    </Page>
  );
}

interface EditorProps {
  text: string;
  draft: Draft;
  onChange: (text: string) => void;
  onChecked: (draft: Draft) => void;
}

function Editor({ text, draft, onChange, onChecked }: EditorProps) {
  const read = readDefinition(text);
  const check = useAction({
    async run() {
      if (!read.ok) throw new Error(read.message);
      const { definition } = read;
      return answerOf(api.POST('/v1/platform/third-party-definitions/draft', { body: { definition } }));
    },
    isQuiet: true,
    onDone: ({ definition, problems }) => onChecked({ definition, problems, decisions: draft.decisions }),
  });
  return (
    <Section
      title="2. Definition"
      hint="What must be decided is listed below. Editors complete it by its JSON Schema."
    >
      <Stack align="flex-start">
        <Textarea
          label="Definition (JSON)"
          w="100%"
          autosize
          minRows={12}
          maxRows={40}
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          value={text}
          error={read.ok ? undefined : read.message}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
        {check.error && <ProblemView error={check.error} />}
        <ActionButton
          variant="default"
          loading={check.isPending}
          refusal={read.ok ? undefined : read.message}
          onClick={() => check.mutate()}
        >
          Check the definition
        </ActionButton>
        <div role="status">
          {draft.problems.length === 0 ? (
            <Text size="sm">The definition was valid when it was last checked.</Text>
          ) : (
            <Pointed title="To correct" color="red" entries={draft.problems} />
          )}
        </div>
        {draft.decisions.length > 0 && <Pointed title="To decide" color="blue" entries={draft.decisions} />}
      </Stack>
    </Section>
  );
}

function Pointed({
  title,
  color,
  entries,
}: {
  title: string;
  color: string;
  entries: readonly { pointer: string; message: string }[];
}) {
  return (
    <Alert
      variant="light"
      color={color}
      title={title}
      w="100%"
      styles={{ message: { color: 'var(--mantine-color-text)' } }}
    >
      <List size="sm">
        {entries.map(({ pointer, message }) => (
          <List.Item key={pointer + message} className="long">
            <Code>{pointer}</Code> {message}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function Save({ text }: { text: string }) {
  const read = readDefinition(text);
  const save = useAction({
    async run() {
      if (!read.ok) throw new Error(read.message);
      const body = read.parts as Required<Definition>;
      return answerOf(api.POST('/v1/platform/third-party-definitions', { body }));
    },
    isQuiet: true,
    done: ({ key, version, is_current: isCurrent }) =>
      isCurrent
        ? `${key} can be linked now.`
        : `Version ${version} of ${key} was added. Publish it to use it.`,
  });
  return (
    <Section
      title="4. Add"
      hint="The first version can be linked at once. A further one changes no integration until it is published."
    >
      {save.error && <ProblemView error={save.error} />}
      <Group>
        <ActionButton
          loading={save.isPending}
          refusal={read.ok ? undefined : read.message}
          onClick={() => save.mutate()}
        >
          Add the definition
        </ActionButton>
        {save.data !== undefined && !save.isPending && (
          <Text size="sm" role="status">
            {save.data.key}, version {save.data.version}, was added.
          </Text>
        )}
      </Group>
    </Section>
  );
}
