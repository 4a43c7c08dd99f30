import { type IconName, iconId, spriteSvg } from "./sprite.ts";
import { type Preferences } from "./preferences.ts";

export const pageNames = [
  "fleet",
  "mailboxes",
  "cause",
  "tenant",
  "mailbox",
  "dead-letters",
  "activity",
  "about",
  "sandbox",
  "login",
  "not-found",
] as const;

export type PageName = (typeof pageNames)[number];

const logo = `<svg viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round"><path d="M2.5 8.5h13v9h-13z"/><path d="m2.5 9 6.5 4.7L15.5 9"/><path d="M7 5.2h11.5V13M10.5 2h11v7.5"/></svg>`;

export interface ShellInput {
  readonly page: PageName;
  /** Of the browser's tab, without ` · mailfleet`. Never holds an address. */
  readonly title: string;
  /** What the heading says before the first script has run: the page's sentence. */
  readonly heading: string;
  /** What the page's view is made from: core's `PageAnswer`, or `LoginShell`. */
  readonly data: unknown;
  readonly preferences: Preferences;
  readonly letters: number;
  /** Addresses of the style sheets, in order. */
  readonly styles: readonly string[];
  /** JSON of the import map: exactly the text whose hash the policy has. */
  readonly importMap: string;
  /** Address of the page's entry module. */
  readonly entry: string;
  /** Addresses of the modules that it needs at once. */
  readonly preload: readonly string[];
}

const navigation: readonly { readonly page: PageName; readonly path: string; readonly label: string; readonly icon: IconName }[] = [
  { page: "fleet", path: "/", label: "Fleet", icon: "fleet" },
  { page: "mailboxes", path: "/mailboxes", label: "Mailboxes", icon: "mailboxes" },
  { page: "dead-letters", path: "/dead-letters", label: "Dead letters", icon: "letters" },
  { page: "activity", path: "/activity", label: "Activity", icon: "activity" },
  { page: "about", path: "/about", label: "About", icon: "about" },
];

/** A whole page as the server sends it: frame, first data and heading, so that nothing spins and nothing jumps. */
export function shellPage(input: ShellInput): string {
  return `<!doctype html>
<html lang="en"${themeOf(input.preferences)}>
<head>
<meta charset="utf-8">
<title>${escapeHtml(input.title)} · mailfleet</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
${input.styles.map((href) => `<link rel="stylesheet" href="${escapeHtml(href)}">`).join("\n")}
<script type="importmap">${input.importMap}</script>
${input.preload.map((href) => `<link rel="modulepreload" href="${escapeHtml(href)}">`).join("\n")}
<script type="module" src="${escapeHtml(input.entry)}"></script>
</head>
<body data-page="${input.page}">
<a class="button skip" href="#main">To the content</a>
${spriteSvg()}
${input.page === "login" ? plainHeader : pageHeader(input)}
<div class="banner" id="banner" role="alert" hidden><p class="banner-in" id="banner-text"></p></div>
<main class="main" id="main" tabindex="-1"><div class="page-head"><h1 tabindex="-1">${escapeHtml(input.heading)}</h1></div>
<noscript><p>This page needs JavaScript. <code>npx mailfleet status</code> says the same in a terminal.</p></noscript></main>
<section class="toasts" id="toasts" aria-label="What was done"></section>
<div class="said" id="said" role="status" aria-live="polite"></div>
<script type="application/json" id="page">${jsonForHtml(input.data)}</script>
</body>
</html>
`;
}

/** Attributes of a page's root element. */
export function themeOf({ theme, density }: Preferences): string {
  return `${theme === "system" ? "" : ` data-theme="${theme}"`} data-density="${density}"`;
}

/** Who is not signed in sees nothing of the fleet, not even a count. */
export const plainHeader = `<header class="header"><div class="header-in"><span class="brand">${logo}<span>mailfleet</span></span></div></header>`;

function pageHeader(input: ShellInput): string {
  return `<header class="header"><div class="header-in">
<a class="brand" href="/" aria-label="mailfleet, to the fleet">${logo}<span>mailfleet</span></a>
<nav class="nav" aria-label="Pages">${navigation.map((one) => navLink(one, input)).join("")}</nav>
<form class="find" role="search" action="/mailboxes"><input id="find" type="search" name="q" placeholder="Find mailbox" aria-label="Find mailbox, by the beginning of an address or tenant" autocomplete="off" spellcheck="false"><kbd aria-hidden="true">/</kbd></form>
<button class="live" id="live" type="button" data-state="live" aria-pressed="false" title="Pause live updates (p)"><i class="live-dot"></i><span class="live-text" id="live-text">live</span></button>
<span class="clock" id="clock"></span>
</div></header>`;
}

function navLink({ page, path, label, icon }: (typeof navigation)[number], { page: current, letters }: ShellInput): string {
  const isAbove =
    (page === "mailboxes" && current === "mailbox") ||
    (page === "fleet" && (current === "cause" || current === "tenant")) ||
    (page === "about" && current === "sandbox");
  const here = page === current ? ' aria-current="page"' : isAbove ? ' aria-current="true"' : "";
  const count =
    page === "dead-letters"
      ? ` <span class="count" id="letters-count"${letters === 0 ? " hidden" : ""}>${letters.toLocaleString("en")}</span>`
      : "";
  return `<a href="${path}"${here}><svg class="icon" aria-hidden="true"><use href="#${iconId(icon)}"/></svg>${label}${count}</a>`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}

/** Inside a script element only `<` can do harm: it might end the element, or begin a comment. */
export function jsonForHtml(data: unknown): string {
  return JSON.stringify(data).replaceAll("<", String.raw`\u003c`);
}
