/** One entry of the error catalogue. Codes never change, because programs depend on them. */
export interface ErrorEntry {
  status: number;
  title: string;
  /** What the error means and what to do next. A place that knows more can replace this text. */
  detail: string;
}

export type ErrorEntries = Readonly<Record<string, ErrorEntry>>;
