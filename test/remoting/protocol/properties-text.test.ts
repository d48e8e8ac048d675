import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatProperties, parseProperties } from '../../../core/remoting/protocol/properties-text.js';

test('properties are read as Java reads them', () => {
  const text = [
    '# a comment',
    '  ! another',
    '',
    'plain=value',
    '  blanks  =  in front only  ',
    'colon: too',
    'nothing but a name',
    'empty=',
    'path=C:\\\\data\\n',
    'umlaut=\\u00fc',
    'key\\ with\\=signs=1',
    'goes=on \\',
    '   here',
    'twice=1',
    'twice=2',
    'last',
  ].join('\r\n');
  expect([...parseProperties(text)]).toEqual([
    ['plain', 'value'],
    ['blanks', 'in front only  '],
    ['colon', 'too'],
    ['nothing', 'but a name'],
    ['empty', ''],
    ['path', 'C:\\data\n'],
    ['umlaut', 'ü'],
    ['key with=signs', '1'],
    ['goes', 'on here'],
    ['twice', '2'],
    ['last', ''],
  ]);
});

test('what was written is read again', () => {
  const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9]{0,20}$/);
  const value = fc.string().map((text) => text.trimStart());
  fc.assert(
    fc.property(fc.dictionary(name, value), (settings) => {
      expect(Object.fromEntries(parseProperties(formatProperties(Object.entries(settings))))).toEqual({ ...settings });
    }),
  );
});
