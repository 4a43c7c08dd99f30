import type { LoginShell, PageAnswer } from "@mailfleet/core/console";
import { titleOf, type Views } from "./views.ts";

/** A page without scripts: its sentence, and its data as a browser shows text. */
export const plainViews: Views = {
  shell(answer: PageAnswer | LoginShell) {
    const { name } = answer.page;
    const sentence = "frame" in answer ? answer.frame.sentence : "Sign in";
    return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${titleOf(name)} · mailfleet</title></head>
<body><h1>${escapeHtml(sentence)}</h1><pre>${escapeHtml(JSON.stringify(answer.page, undefined, 2))}</pre></body></html>
`;
  },
};

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}
