import { Alert, Checkbox, Code, Group, List, Stack, Text, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../../api/client';
import { definitionVersionQuery } from '../../../api/platform-queries';
import { ActionButton } from '../../../common/ActionButton';
import { Page } from '../../../common/Page';
import { Section } from '../../../common/Section';
import { ProblemView, Read } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { type Definition, readDefinition, stillToDecide, triedPart } from './definition-text';
import { StartFrom } from './StartFrom';
import { TryPanel } from './TryPanel';

const route = getRouteApi('/platform-shell/platform/definition-builder');

type Draft = Schemas['DefinitionDraft'];

/** From a curl command, an OpenAPI document or nothing to a definition that works. */
export function BuilderPage() {
  const { key, version } = route.useSearch();
  const isBegun = key !== undefined && version !== undefined;
  const begun = useQuery({ ...definitionVersionQuery(key ?? '', version ?? ''), enabled: isBegun });
  return (
    <Page
      title="Build a definition"
      subtitle="Describe a product once, try each call against the real product, and add it for all tenants."
    >
      {isBegun ? (
        <Read query={begun}>
          {({ document }) => (
            <Builder key={`${key} ${version}`} start={{ ...NOTHING_TO_DO, definition: { ...document } }} />
          )}
        </Read>
      ) : (
        <Builder />
      )}
    </Page>
  );
}

const NOTHING_TO_DO = { problems: [], decisions: [] };

const textOf = ({ definition }: { definition: object }): string => JSON.stringify(definition, null, 2);

/** @param start a version that was added: its successor is written */
function Builder({ start }: { start?: Draft }) {
  const [draft, setDraft] = useState(start);
  const [text, setText] = useState(start === undefined ? '' : textOf(start));
  const [passed, setPassed] = useState<Definition>();
  const begin = (begun: Draft): void => {
    setDraft(begun);
    setText(textOf(begun));
  };
  return (
    <>
      {start === undefined && <StartFrom onDraft={begin} />}
      {draft !== undefined && (
        <>
          <Editor text={text} draft={draft} onChange={setText} onChecked={setDraft} />
          <TryPanel text={text} onPassed={setPassed} />
          <Save text={text} passed={passed} onChange={setText} />
        </>
      )}
    </>
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
    onDone({ definition, problems }) {
      const change = { before: draft.definition, now: definition };
      onChecked({ definition, problems, decisions: stillToDecide(draft.decisions, change) });
    },
  });
  return (
    <Section
      title="Definition"
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

interface SaveProps {
  text: string;
  /** The definition with which the whole suite has passed on this page. */
  passed: Definition | undefined;
  onChange: (text: string) => void;
}

function Save({ text, passed, onChange }: SaveProps) {
  const read = readDefinition(text);
  const save = useAction({
    async run() {
      if (!read.ok) throw new Error(read.message);
      const body = read.parts as Required<Definition>;
      return answerOf(api.POST('/v1/platform/third-party-definitions', { body }));
    },
    isQuiet: true,
    changes: ['platform-definitions'],
    done: ({ key, version, is_current: isCurrent }) =>
      isCurrent
        ? `${key} can be linked now.`
        : `Version ${version} of ${key} was added. Publish it to use it.`,
  });
  return (
    <Section
      title="Add"
      hint="The first version can be linked at once. A further one changes no integration until it is published."
    >
      {save.error && <ProblemView error={save.error} />}
      {read.ok && passed !== undefined && triedPart(read.parts) === triedPart(passed) && (
        <Checkbox
          mb="sm"
          label="The whole suite has passed at the live product, not at a simulator of it"
          description="Sets proof to live. Without it, the catalogue says that the definition is not yet proved."
          checked={read.parts.proof === 'live'}
          onChange={({ currentTarget: { checked } }) =>
            onChange(textOf({ definition: { ...read.parts, proof: checked ? 'live' : 'none' } }))
          }
        />
      )}
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
