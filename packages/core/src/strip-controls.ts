/**
 * Removes C0 and C1 controls, direction marks, zero-width characters and lone surrogates; line breaks and tabs become one space.
 * What is left can neither steer a terminal nor forge a line of a log, and reads in the order it is written.
 */
export function stripControls(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, " ")
      // oxlint-disable-next-line no-control-regex -- controls are the point
      .replace(
        /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu,
        "",
      )
  );
}
