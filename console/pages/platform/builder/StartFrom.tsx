/** Begins a definition: from a curl command, an OpenAPI document, or nothing. */
import { FileInput, SegmentedControl, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api, type Schemas } from '../../../api/client';
import { ActionButton } from '../../../common/ActionButton';
import { Section } from '../../../common/Section';
import { ProblemView } from '../../../common/States';
import { useAction } from '../../../common/use-action';
import { readOpenApi } from './openapi-file';

const WAYS = [
  { value: 'curl', label: 'curl command' },
  { value: 'openapi', label: 'OpenAPI' },
  { value: 'blank', label: 'Blank' },
];

interface StartFromProps {
  onDraft: (draft: Schemas['DefinitionDraft']) => void;
}

export function StartFrom({ onDraft }: StartFromProps) {
  const [way, setWay] = useState('curl');
  const [text, setText] = useState('');
  const [file, setFile] = useState<File | null>(null);
  const make = useAction({
    async run() {
      const body =
        way === 'blank'
          ? {}
          : way === 'curl'
            ? { curl: text }
            : { openapi: await readOpenApi(file === null ? text : await file.text()) };
      return answerOf(api.POST('/v1/platform/third-party-definitions/draft', { body }));
    },
    isQuiet: true,
    onDone: onDraft,
  });
  return (
    <Section
      title="Start"
      hint="The draft has what can be known and says what you have to decide. Nothing is stored."
    >
      <Stack align="flex-start">
        {make.error && <ProblemView error={make.error} />}
        <SegmentedControl
          aria-label="Start from"
          data={WAYS}
          value={way}
          onChange={(chosen) => {
            setWay(chosen);
            setText('');
            setFile(null);
          }}
        />
        {way === 'curl' && (
          <TextOf
            label="curl command"
            hint="A request for a list, from the documentation of the product. Secrets in it are dropped."
            text={text}
            onChange={setText}
          />
        )}
        {way === 'openapi' && <OpenApi file={file} text={text} onFile={setFile} onText={setText} />}
        {way === 'blank' && <Text size="sm">A small example that you change.</Text>}
        <ActionButton
          loading={make.isPending}
          refusal={
            way !== 'blank' && file === null && text.trim() === '' ? 'Enter something first.' : undefined
          }
          onClick={() => make.mutate()}
        >
          Make a draft
        </ActionButton>
      </Stack>
    </Section>
  );
}

interface OpenApiProps {
  file: File | null;
  text: string;
  onFile: (file: File | null) => void;
  onText: (text: string) => void;
}

function OpenApi({ file, text, onFile, onText }: OpenApiProps) {
  return (
    <>
      <FileInput
        label="File"
        description="OpenAPI 3, as JSON or YAML."
        placeholder="Choose a file"
        accept=".json,.yaml,.yml"
        clearable
        value={file}
        onChange={onFile}
        w="100%"
      />
      {file === null && <TextOf label="Or its text" text={text} onChange={onText} />}
    </>
  );
}

function TextOf({
  label,
  hint,
  text,
  onChange,
}: {
  label: string;
  hint?: string;
  text: string;
  onChange: (text: string) => void;
}) {
  return (
    <Textarea
      label={label}
      description={hint}
      value={text}
      autosize
      minRows={3}
      maxRows={12}
      w="100%"
      spellCheck={false}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
