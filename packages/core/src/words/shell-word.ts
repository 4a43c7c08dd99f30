import { stripControls } from "../strip-controls.ts";

/** An address comes from a file or a directory: pasted into a shell it must stay one word and do nothing else. */
export function shellWord(text: string): string {
  const clean = stripControls(text);
  return /^[A-Za-z0-9_.@+/][A-Za-z0-9_.@+/-]*$/.test(clean) ? clean : `'${clean.replaceAll("'", String.raw`'\''`)}'`;
}
