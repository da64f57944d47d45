/** Pages of figures: one file that asks for nothing else, light and dark, readable on a phone. */
import { createHash } from 'node:crypto';
import { chartStyle, escapeText } from './line_chart.ts';

const style = `
:root { color-scheme: light dark; --ink: #24292f; --soft: #57606a; --line: #d8dee4; --back: #fff; --card: #f6f8fa; --accent: #0072b2; --wrong: #b34e00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --line: #30363d; --back: #0d1117; --card: #161b22; --accent: #58a6ff; --wrong: #f0883e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.5rem 1rem 3rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; overflow-wrap: anywhere; } h1 small { color: var(--soft); font-size: 1rem; font-weight: 400; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } p { margin: .3rem 0; }
.soft { color: var(--soft); } .wrong { color: var(--wrong); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem; }
svg { width: 100%; height: auto; display: block; } .scroll { overflow-x: auto; }
main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem 2rem; } section:empty { display: none; } section > h2:first-child { margin-top: .5rem; }
@media (min-width: 64rem) { main { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr); } main > * { grid-column: 1 / -1; }
  main:not(:has(.large)) > #confusion { grid-column: 1; } main:not(:has(.large)) > #mistakes { grid-column: 2; } }
.matrix svg { width: auto; max-width: 100%; min-width: 21rem; } .matrix.large svg { max-width: none; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .3rem 1rem .3rem 0; text-align: left; white-space: nowrap; } .pairs td { white-space: normal; overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--line); }
pre { overflow-x: auto; padding: .8rem; border: 1px solid var(--line); border-radius: 6px; font-size: .85rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem; margin: .8rem 0 0; }
.numbers div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .5rem .8rem; }
.numbers dt { color: var(--soft); font-size: .8rem; } .numbers dd { margin: 0; font-size: 1.25rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.numbers dd small { display: block; font-size: .75rem; font-weight: 400; color: var(--soft); }
progress { width: 100%; height: .6rem; accent-color: var(--accent); }
.images { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: .8rem; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .6rem; text-align: center; }
figure img { width: 100%; max-width: 112px; aspect-ratio: 1; object-fit: contain; image-rendering: pixelated; }
figcaption { font-size: .8rem; line-height: 1.35; overflow-wrap: anywhere; }
summary { cursor: pointer; font-size: 1.1rem; font-weight: 700; margin: 2rem 0 .5rem; }
#connection { position: sticky; top: 0; background: var(--wrong); color: var(--back); padding: .3rem .8rem; border-radius: 6px; } #connection:empty { display: none; }`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** A page and what it may do. */
export interface HtmlPage {
  readonly html: string;
  /** Content security policy, for a header. */
  readonly policy: string;
}

/**
 * A page that loads nothing and may do nothing but show itself, and run one script if it is given that, which may ask the
 * page's own server.
 *
 * @param body HTML
 */
export function htmlPage(title: string, body: string, script?: string): HtmlPage {
  const rules = [
    "default-src 'none'",
    `style-src ${hashOf(style)} ${hashOf(chartStyle)}`,
    'img-src data:',
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`, "connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ];
  // A server would be asked for one.
  const icon = script === undefined ? '' : '\n<link rel="icon" href="data:,">';
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${rules.join('; ')}">
<title>${escapeText(title)}</title>${icon}
<style>${style}</style>
</head>
<body>
${body}
${script === undefined ? '' : `<script>${script}</script>\n`}</body>
</html>
`;
  // Not known to policies in a page.
  return { html, policy: [...rules, "frame-ancestors 'none'"].join('; ') };
}
