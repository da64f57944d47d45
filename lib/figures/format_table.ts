const isNumber = (cell: string): boolean => /^[-+]?[\d.,]*(e[-+]\d+)?( %)?$/.test(cell);

/**
 * Rows of text in columns as wide as their widest cell, two spaces apart. The first row are the heads; columns that have
 * but numbers below them stand to the right.
 */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isRight = widths.map((_, column) => rows.slice(1).every((row) => isNumber(row[column]!)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (isRight[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
