/**
 * Sections to one text. Windows PowerShell reads a file without a byte order mark in the machine's own code page, in which a byte of some
 * letter may be a quotation mark; so a text that is not ASCII begins with one.
 */
export function finishScript(sections: readonly string[]): string {
  const text = `${sections.join("\n\n")}\n`;
  return /^\p{ASCII}*$/u.test(text) ? text : `\ufeff${text}`;
}
