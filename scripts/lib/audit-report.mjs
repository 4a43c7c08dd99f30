/**
 * What `npm audit --json` said. Not every registry has the endpoint that knows of vulnerabilities, and a machine may have no network: then
 * nothing was looked at, which is said and is no failure of the code. Anything that is not understood is one.
 * @returns {{ outcome: "clean" | "found" | "not looked at" | "failed", words: string }}
 */
export function judgeAudit({ code, json, text }, level) {
  if (json?.metadata?.vulnerabilities !== undefined && json.vulnerabilities !== undefined) {
    const worst = Object.values(json.vulnerabilities).filter(({ severity }) => isAtLeast(severity, level));
    if (worst.length === 0 && code === 0) {
      const lesser = json.metadata.vulnerabilities.total;
      return { outcome: "clean", words: lesser === 0 ? "none known" : `none of level ${level}; ${lesser} below it` };
    }
    if (worst.length === 0) return { outcome: "failed", words: text };
    return { outcome: "found", words: worst.map(({ name, severity, via }) => `${name}: ${severity}. ${titlesOf(via)}`).join("\n") };
  }
  if (typeof json?.statusCode === "number" && [404, 405, 501].includes(json.statusCode))
    return { outcome: "not looked at", words: `the registry in use has no audit endpoint (${json.statusCode})` };
  if (typeof json?.statusCode === "number" && json.statusCode >= 500)
    return { outcome: "not looked at", words: `the registry's audit endpoint is out of order (${json.statusCode})` };
  const unreachable = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|FETCH_ERROR|network timeout)\b/.exec(
    `${json?.message ?? ""} ${text}`,
  );
  if (unreachable) return { outcome: "not looked at", words: `the registry's audit endpoint cannot be reached (${unreachable[1]})` };
  return { outcome: "failed", words: text };
}

const levels = ["info", "low", "moderate", "high", "critical"];

/** A severity that is new counts as the worst. */
function isAtLeast(severity, level) {
  return !levels.includes(severity) || levels.indexOf(severity) >= levels.indexOf(level);
}

function titlesOf(via) {
  const titles = via.map((one) => (typeof one === "string" ? `through ${one}` : `${one.title} (${one.url})`));
  return [...new Set(titles)].join("; ");
}
