/** What steers a terminal or turns its text around, and JSON.stringify leaves as it is (T56): DEL, C1, direction marks, invisible ones. */
const unsafe = /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;

/** JSON that says the same to a program and does nothing to a terminal that it is printed on. */
export function safeJson(value: unknown): string {
  const escaped = (text: string): string =>
    Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
  return JSON.stringify(value).replace(unsafe, escaped);
}
