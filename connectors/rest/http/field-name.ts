/** Nothing that could end a list of names or add to a query. */
const FIELD_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}$/;

export const isFieldName = (name: string): boolean => FIELD_NAME.test(name);
