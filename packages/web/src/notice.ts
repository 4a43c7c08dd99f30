import type { Preferences } from "./preferences.ts";
import { escapeHtml, plainHeader, themeOf } from "./shell.ts";

export interface NoticeInput {
  /** Of the browser's tab, without ` · mailfleet`. Never holds an address. */
  readonly title: string;
  /** What happened, one sentence. */
  readonly what: string;
  /** What can be done. */
  readonly todo?: string;
  /** To paste. */
  readonly command?: string;
  readonly preferences: Preferences;
  /** Addresses of the style sheets, in order. */
  readonly styles: readonly string[];
  /** Address of the module that loads the page when it can be made; only where that may be soon. */
  readonly entry?: string;
}

/** A page of a few sentences for a browser that asked for one and cannot have it. Needs no script, and knows nothing of the fleet. */
export function noticePage({ title, what, todo, command, preferences, styles, entry }: NoticeInput): string {
  const lines = [
    ...(todo === undefined ? [] : [`<p id="todo">${escapeHtml(todo)}</p>`]),
    ...(command === undefined ? [] : [`<p><code>${escapeHtml(command)}</code></p>`]),
  ];
  return `<!doctype html>
<html lang="en"${themeOf(preferences)}>
<head>
<meta charset="utf-8">
<title>${escapeHtml(title)} · mailfleet</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
${styles.map((href) => `<link rel="stylesheet" href="${escapeHtml(href)}">`).join("\n")}${entry === undefined ? "" : `\n<script type="module" src="${escapeHtml(entry)}"></script>`}
</head>
<body>
${plainHeader}
<main class="main" id="main"><div class="page-head"><h1>${escapeHtml(what)}</h1></div>
${lines.join("\n")}
<p><a href="">Load it again</a> · <a href="/">The fleet</a></p></main>
</body>
</html>
`;
}
