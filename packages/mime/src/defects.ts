/**
 * What can be odd about a message that was read all the same. A closed set of words: consumers may switch on them, so a word is
 * added or documented as gone, never changed.
 *
 * | word | meaning |
 * |---|---|
 * | `no-headers` | not one header field |
 * | `no-body` | neither text, nor HTML, nor attachment |
 * | `bad-header-line` | a line in a header block that is no header field |
 * | `raw-header-bytes` | header bytes that are neither ASCII nor UTF-8, read as windows-1252 |
 * | `duplicate-*` | a field that may stand once (RFC 5322 3.6) stands more often; addresses of all are listed, else the first counts |
 * | `bad-date` | a Date field that cannot be read, or not its zone (then taken as UTC) |
 * | `bad-address` | an address field with text that is no address |
 * | `line-break-in-field` | CR, LF or NUL inside a one-line field, taken out |
 * | `id-cut`, `references-cut` | a message id over 998 characters; more than 1,000 references |
 * | `name-cut` | an attachment name that was cut or cleaned |
 * | `charset-unknown` | a charset that cannot be decoded, read as UTF-8 |
 * | `undecodable-text` | text or HTML with bytes that its charset does not have (U+FFFD stands for them) |
 * | `html-parts-split` | HTML parts that could not be joined safely; all but the first are attachments |
 */
export type Defect =
  | "no-headers"
  | "no-body"
  | "bad-header-line"
  | "raw-header-bytes"
  | "duplicate-from"
  | "duplicate-sender"
  | "duplicate-reply-to"
  | "duplicate-to"
  | "duplicate-cc"
  | "duplicate-bcc"
  | "duplicate-subject"
  | "duplicate-date"
  | "duplicate-message-id"
  | "duplicate-in-reply-to"
  | "duplicate-references"
  | "bad-date"
  | "bad-address"
  | "line-break-in-field"
  | "id-cut"
  | "references-cut"
  | "name-cut"
  | "charset-unknown"
  | "undecodable-text"
  | "html-parts-split";
