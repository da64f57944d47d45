// Text and numbers as they can stand in a page.

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const escapeText = (text) => String(text).replace(/[&<>"']/g, (letter) => escapes[letter]);

/** Three digits that count; thousands with a thin space. */
export function number(value) {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 1000)
    return Math.round(value)
      .toString()
      .replace(/\B(?=(\d{3})+$)/g, '\u2009');
  if (Math.abs(value) >= 100) return value.toFixed(0);
  if (Math.abs(value) >= 10) return value.toFixed(1);
  return Number(value.toPrecision(3)).toString();
}

/** A value in the unit that is easiest to read. */
export function quantity(value, unit) {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'bytes') return value >= 1e9 ? `${number(value / 1e9)} GB` : `${number(value / 1e6)} MB`;
  if (unit === 'ms' && value >= 10_000) return `${number(value / 1000)} s`;
  if (unit === 'ratio') return value.toFixed(3);
  return `${number(value)} ${unit}`;
}

/** A share above 1 as what it adds: "+1.8 %". */
export function percentOver(ratio) {
  const percent = 100 * (ratio - 1);
  const sign = percent < 0 ? '−' : '+';
  return `${sign}${Math.abs(percent).toFixed(1)} %`;
}
