/** What a property's name or value may not contain: see {@link textProblem}. */
export type TextProblem = 'is empty' | 'contains the separator 0x01 or 0x02' | 'contains a lone surrogate';

/**
 * Why a text cannot be a property's name or value; undefined when it can. 0x01 and 0x02 are the separators of a properties
 * string, an empty text is dropped by every reader, and a lone surrogate has no UTF-8 form.
 */
export function textProblem(text: string): TextProblem | undefined {
  const length = text.length;
  if (length === 0) return 'is empty';
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 1 || unit === 2) return 'contains the separator 0x01 or 0x02';
    if ((unit & 0xf800) !== 0xd800) continue;
    const next = index + 1 < length ? text.charCodeAt(index + 1) : 0;
    if (unit >= 0xdc00 || (next & 0xfc00) !== 0xdc00) return 'contains a lone surrogate';
    index++;
  }
  return undefined;
}
