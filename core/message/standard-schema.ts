/**
 * The common interface of schema libraries (Valibot, Zod, ArkType and others), version 1 of the Standard Schema
 * specification: what a typed topic needs of it.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema makes of a value: the value it stands for, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Whether something is a schema of that interface; schemas may be functions. */
export function isStandardSchema(candidate: unknown): candidate is StandardSchema {
  if ((typeof candidate !== 'object' && typeof candidate !== 'function') || candidate === null) return false;
  const standard = (candidate as { '~standard'?: { version?: unknown; validate?: unknown } })['~standard'];
  return standard?.version === 1 && typeof standard.validate === 'function';
}
