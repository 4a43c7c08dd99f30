export { type EntraCredential, type EntraTenant, tenantAuthority, tokenEndpoint } from "./entra-tenant.ts";
export { classifyTokenError, type TokenFailureCode, tokenFailureCodes } from "./classify-token-error.ts";
export { createKeyRing, type KeyRing, type TokenKey } from "./seal-token.ts";
export { probeToken, type TokenProbe } from "./probe-token.ts";
export { createCredentialDesk, type CredentialDesk } from "./credential-desk.ts";
export { openTenantBook, type TenantBook } from "./tenant-book.ts";
export { createTokenSource, type EntraTokenSource, type TokenSourceDeps } from "./token-source.ts";
export { type TokenStats } from "./token-stats.ts";
export { readTokenClaims, type TokenClaims } from "./verify-token.ts";
