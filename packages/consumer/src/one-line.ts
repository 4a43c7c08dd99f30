/** Controls (ESC among them, which terminals obey), and marks that turn the direction of what follows. */
const hazards = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** What a sender wrote, for a terminal or a log: one line that moves no cursor, sets no title and begins no line of its own. */
export function oneLine(text: string | undefined): string {
  return (text ?? "").replace(hazards, " ").trim();
}
