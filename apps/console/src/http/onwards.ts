/** A path of this console, or its first page: a sign-in leads nowhere else. */
export function localPath(text: string | undefined): string {
  const base = "http://console.invalid";
  const url = text?.startsWith("/") && URL.canParse(text, base) ? new URL(text, base) : undefined;
  // `//evil.example` and `/\evil.example` have another origin.
  return url === undefined || url.origin !== base || url.pathname.startsWith("//") || url.pathname.startsWith("/login/")
    ? "/"
    : `${url.pathname}${url.search}`;
}

/**
 * A page that leads on by itself. What it asks for comes from this site, so that the session's strict cookie goes along: a browser leaves it
 * behind where another site led here, by a link in an alert or by the answer of a login service, and a redirect would count as theirs.
 */
export function onwards(title: string, to: string): string {
  const href = to.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><meta http-equiv="refresh" content="0; url=${href}"><p><a href="${href}">${title}, go on</a></p></html>\n`;
}
