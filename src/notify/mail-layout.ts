/**
 * One content, two forms: a mail is a list of blocks, written out as plain text and as HTML. The HTML has no script, no
 * image and nothing from elsewhere, reads well without its style sheet, and follows the reader's dark mode. Everything that
 * comes from outside is escaped here and nowhere else.
 */
import { printableText } from '../domain/printable-text.ts';

export interface MailEntry {
  title: string;
  lines: string[];
  /** What deserves a second look. */
  warnings?: string[];
  /** Where to decide about this entry. */
  action?: { label: string; url: string };
}

export type MailBlock =
  | { kind: 'text'; text: string }
  | { kind: 'entries'; entries: MailEntry[] }
  /** `hint` is the sentence before the address in the text form. */
  | { kind: 'button'; label: string; hint: string; url: string }
  /** To be copied as it is; `label` says what for. */
  | { kind: 'snippet'; label: string; text: string }
  | { kind: 'address'; url: string }
  /** From here on it is for those who want it. */
  | { kind: 'fold'; title: string };

export interface MailContent {
  /** The line that a list of mails shows beside the subject. */
  preview: string;
  blocks: MailBlock[];
}

/** Both forms of a mail. */
export function renderMail(content: MailContent): { text: string; html: string } {
  return { text: renderText(content), html: renderHtml(content) };
}

function renderText({ blocks }: MailContent): string {
  return blocks.map(textOf).join('\n');
}

function textOf(block: MailBlock): string {
  switch (block.kind) {
    case 'text':
      return `${printableText(block.text)}\n`;
    case 'entries':
      return block.entries.map(entryText).join('\n');
    case 'button':
      return `${printableText(block.hint)}\n  ${block.url}\n`;
    case 'snippet':
      return `${printableText(block.label)}\n  ${printableText(block.text)}\n`;
    case 'address':
      return `  ${block.url}\n`;
    case 'fold':
      return `${printableText(block.title)}\n`;
    default:
      return block satisfies never;
  }
}

function entryText({ title, lines, warnings = [], action }: MailEntry, index: number): string {
  return [
    `${index + 1}. ${printableText(title)}`,
    ...lines.map((line) => `   ${printableText(line)}`),
    ...warnings.map((warning) => `   ! ${printableText(warning)}`),
    ...(action ? [`   ${printableText(action.label)}: ${action.url}`] : []),
    '',
  ].join('\n');
}

/** For text between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return printableText(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

const css = `
:root{color-scheme:light dark;supported-color-schemes:light dark}
body{margin:0;padding:0;background:#f6f7f9;color:#1c2430;font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
.page{max-width:640px;margin:0 auto;padding:24px 16px}
.card{background:#ffffff;border:1px solid #dfe4ea;border-radius:10px;padding:20px}
p{margin:0 0 14px}ol{margin:0 0 14px;padding-left:22px}li{margin:0 0 14px}
h2{font-size:16px;margin:22px 0 8px}
.soft{color:#566171}.warn{color:#8a5300}
.button{display:inline-block;background:#1a5fd0;color:#ffffff;text-decoration:none;font-weight:600;border-radius:8px;padding:12px 22px}
a{color:#1a5fd0}
pre{white-space:pre-wrap;word-break:break-all;background:#eef1f5;border-radius:6px;padding:10px;margin:0 0 14px;font:13px ui-monospace,Menlo,monospace}
.preview{display:none;max-height:0;overflow:hidden}
@media (prefers-color-scheme:dark){
body{background:#12161c;color:#e6eaf0}.card{background:#1a2029;border-color:#2c3542}
.soft{color:#a3afbe}.warn{color:#e8b45c}a{color:#8ab8ff}.button{background:#2f6fdc;color:#ffffff}pre{background:#11161d}}
`;

function renderHtml({ preview, blocks }: MailContent): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">',
    `<title>${escapeHtml(preview)}</title><style>${css}</style></head>`,
    `<body><div class="preview">${escapeHtml(preview)}</div>`,
    `<div class="page"><div class="card" role="article">`,
    ...blocks.map(htmlOf),
    '</div></div></body></html>',
    '',
  ].join('\n');
}

function htmlOf(block: MailBlock): string {
  switch (block.kind) {
    case 'text':
      return `<p>${escapeHtml(block.text)}</p>`;
    case 'entries':
      return `<ol>${block.entries.map(entryHtml).join('\n')}</ol>`;
    case 'button':
      return `<p><a class="button" href="${escapeHtml(block.url)}">${escapeHtml(block.label)}</a></p>`;
    case 'snippet':
      return `<p>${escapeHtml(block.label)}</p><pre>${escapeHtml(block.text)}</pre>`;
    case 'address':
      return `<p><a href="${escapeHtml(block.url)}">${escapeHtml(block.url)}</a></p>`;
    case 'fold':
      return `<h2>${escapeHtml(block.title)}</h2>`;
    default:
      return block satisfies never;
  }
}

function entryHtml({ title, lines, warnings = [], action }: MailEntry): string {
  return [
    `<li><strong>${escapeHtml(title)}</strong>`,
    ...lines.map((line) => `<br><span class="soft">${escapeHtml(line)}</span>`),
    ...warnings.map((warning) => `<br><span class="warn">Look twice: ${escapeHtml(warning)}</span>`),
    ...(action ? [`<br><a href="${escapeHtml(action.url)}">${escapeHtml(action.label)}</a>`] : []),
    '</li>',
  ].join('');
}
