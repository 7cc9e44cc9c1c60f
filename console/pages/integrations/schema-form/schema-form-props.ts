import type { Drafts, JsonSchema } from './json-schema';

export interface SchemaFormProps {
  schema: JsonSchema;
  drafts: Drafts;
  onChange: (drafts: Drafts) => void;
  /** By field name. */
  errors: Record<string, string>;
  /** Hides values while they are typed. */
  isSecret?: boolean;
}
