export { createMimeParser } from "./mime-parser.ts";
export type { MimeParserOptions } from "./mime-parser.ts";
export type { Defect } from "./defects.ts";
export { htmlPartSeparator } from "./join-html.ts";
