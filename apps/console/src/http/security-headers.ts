/** What every answer says, errors too. */
export function securityHeaders(importMapHash: string | undefined): Readonly<Record<string, string>> {
  const script = importMapHash === undefined ? "script-src 'self'" : `script-src 'self' '${importMapHash}'`;
  return {
    "content-security-policy": [
      "default-src 'none'",
      script,
      "style-src 'self'",
      "img-src 'self'",
      "connect-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types lit-html",
    ].join("; "),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
  };
}
