/** Files as spreadsheets and HR systems write them, and files that are none. */
import { describe, expect, test } from '@jest/globals';
import { AppError } from '../../../src/domain/errors.ts';
import { readCsv } from '../../../src/use-cases/read-csv.ts';
import { readMapping } from '../../../src/use-cases/read-mapping.ts';

const read = (text: string | Buffer) => readCsv(Buffer.from(text), null);

describe('what is read', () => {
  test.each([
    ['line feeds', 'id,name\n1,Ada\n'],
    ['carriage returns', 'id,name\r\n1,Ada\r\n'],
    ['a byte order mark', '\uFEFFid,name\n1,Ada'],
    ['UTF-16', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('id,name\n1,Ada\n', 'utf16le')])],
    ['semicolons', 'id;name\n1;Ada\n'],
    ['tabs', 'id\tname\n1\tAda\n'],
    ['empty lines', '\n\nid,name\n\n1,Ada\n,\n'],
  ])('%s', (_what, text) => {
    const { header, rows } = read(text);
    expect(header).toEqual(['id', 'name']);
    expect(rows.map(({ cells }) => cells)).toEqual([['1', 'Ada']]);
  });

  test('quotes, doubled quotes, line breaks in cells, and the line on which a row begins', () => {
    const { rows } = read('id,name\n1,"Ada ""the first"" Byron,\nCountess"\n2,Bo\n');
    expect(rows).toEqual([
      { line: 2, cells: ['1', 'Ada "the first" Byron,\nCountess'] },
      { line: 4, cells: ['2', 'Bo'] },
    ]);
  });

  test('a cell of a million characters is a cell', () => {
    expect(read(`id,name\n1,${'x'.repeat(1_000_000)}\n`).rows[0]?.cells[1]).toHaveLength(1_000_000);
  });
});

describe('what is refused, with the reason and nothing of the content', () => {
  test.each([
    ['an empty file', '', 'found nothing'],
    ['nothing but a header', 'id,name\n', 'at least one row'],
    ['another delimiter than known', 'id^name\n1^Ada\n', 'one column only'],
    ['a column twice', 'id,Name,name\n1,Ada,Ada\n', 'column 3'],
    ['a quote that is never closed', 'id,name\n1,"Ada\n2,Bo\n', 'never closed'],
    ['a quote inside a cell', 'id,name\n1,Ada "x" Byron\n', 'line 2: a quote stands in the middle'],
    ['another encoding', Buffer.from([0x69, 0x64, 0x2c, 0x6e, 0x0a, 0x31, 0x2c, 0xe9, 0x0a]), 'UTF-8'],
  ])('%s', (_what, text, why) => {
    let error: unknown;
    try {
      read(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'invalidInput', field: 'file' });
    expect((error as AppError).message).toContain(why);
    expect((error as AppError).message).not.toContain('Ada');
  });

  test.each([
    ['columns: { titel: X }', 'mapping.columns.titel'],
    ['employmentTypes: { Intern: sometimes }', 'mapping.employmentTypes.Intern'],
    ['dateOrder: american', 'mapping.dateOrder'],
    ['defaults: { startDate: 2020-02-31 }', 'mapping.defaults.startDate'],
    ['- a list', 'mapping'],
    ['{', 'mapping'],
  ])('a mapping: %s', (text, field) => {
    let error: unknown;
    try {
      readMapping(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'invalidInput', field });
  });
});
