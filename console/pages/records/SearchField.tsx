import { TextInput } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { Search } from 'lucide-react';
import { useRef, useState } from 'react';
import { useTypedSearch } from './use-typed-search';

interface SearchFieldProps {
  placeholder: string;
  initial: string;
  /** Called after a short pause in typing. */
  onSearch: (words: string) => void;
}

export function SearchField({ placeholder, initial, onSearch }: SearchFieldProps) {
  const [words, setWords] = useState(initial);
  const field = useRef<HTMLInputElement>(null);
  const search = useTypedSearch(onSearch);
  useHotkeys([['/', () => field.current?.focus()]]);
  return (
    <TextInput
      ref={field}
      type="search"
      label="Search"
      placeholder={placeholder}
      leftSection={<Search size={14} aria-hidden />}
      w={{ base: '100%', sm: 280 }}
      maxLength={200}
      value={words}
      onChange={(event) => {
        setWords(event.currentTarget.value);
        search(event.currentTarget.value);
      }}
    />
  );
}
