/**
 * Why the direct reader hands a message to mailparser. A closed set, so that a test can count them: each is a shape of mail for which
 * equality with mailparser is not shown, or not worth the code.
 *
 * | word | the message |
 * |---|---|
 * | `no-head` | is empty, or begins with a blank or folded line |
 * | `mbox-line` | begins with the line of an mbox file or of an HTTP request |
 * | `head-line` | has a line in a header block without a name before a colon |
 * | `bare-cr` | has a CR in a header block that ends no line |
 * | `head-nul` | has a NUL in a header block |
 * | `head-unended` | has a part whose header block no empty line ends |
 * | `content-field` | has a Content-Type or Content-Disposition that is empty, or stands without the other where the name decides |
 * | `encoding-comment` | has a comment in a Content-Transfer-Encoding |
 * | `boundary` | has a multipart without a usable boundary, a boundary that can be taken for another one, or one on a part of another type |
 * | `delimiter` | has a delimiter line with something odd before or after it |
 * | `no-parts` | has a multipart without a part |
 * | `quoted-printable` | has an equals sign that begins neither an escape nor a soft line break, in a place where it matters |
 * | `charset` | has text in a charset of which mailparser cannot be asked |
 * | `near-limit` | is near or above one of the parser's limits, which mailparser alone counts |
 * | `failed` | made this reader throw; mailparser says then what is wrong with it |
 */
export type Decline =
  | "no-head"
  | "mbox-line"
  | "head-line"
  | "bare-cr"
  | "head-nul"
  | "head-unended"
  | "content-field"
  | "encoding-comment"
  | "boundary"
  | "delimiter"
  | "no-parts"
  | "quoted-printable"
  | "charset"
  | "near-limit"
  | "failed";
