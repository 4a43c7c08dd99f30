/** One row of what Entra's token endpoint can say. */
export interface TokenErrorRow {
  /** AADSTS number. */
  readonly code: number;
  /** HTTP. */
  readonly status: number;
  /** The word of RFC 6749 5.2, or Entra's own. */
  readonly error: string;
  /** Beginning of `error_description`, behind the number; `{app}` and the like stand for what the request named. */
  readonly text: string;
  readonly suberror?: string;
  /** JSON in a text, as Conditional Access sends it. */
  readonly claims?: string;
}

/**
 * Field guide 1.3, with the refusals of client assertions beside it. Statuses and words of 7000112 and 7000229 were never seen on the wire
 * (field guide 9), nor were those of 700021, 700023 and 70021.
 */
export const tokenErrors: readonly TokenErrorRow[] = [
  {
    code: 7000215,
    status: 401,
    error: "invalid_client",
    text: "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{app}'.",
  },
  {
    code: 7000222,
    status: 401,
    error: "invalid_client",
    text: "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.",
  },
  {
    code: 7000216,
    status: 401,
    error: "invalid_client",
    text: "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  },
  {
    code: 7000218,
    status: 401,
    error: "invalid_client",
    text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  },
  { code: 700027, status: 401, error: "invalid_client", text: "Client assertion contains an invalid signature. [Reason - {reason}]" },
  { code: 700024, status: 401, error: "invalid_client", text: "Client assertion is not within its valid time range. {reason}" },
  {
    code: 700021,
    status: 401,
    error: "invalid_client",
    text: "Client assertion application identifier doesn't match 'client_id' parameter.",
  },
  { code: 700023, status: 401, error: "invalid_client", text: "Client assertion audience claim does not match Realm issuer." },
  { code: 50027, status: 401, error: "invalid_client", text: "JWT token is invalid or malformed." },
  {
    code: 70021,
    status: 401,
    error: "invalid_client",
    text: "No matching federated identity record found for presented assertion. {reason}",
  },
  {
    code: 700211,
    status: 401,
    error: "invalid_client",
    text: "No matching federated identity record found for presented assertion issuer '{value}'.",
  },
  {
    code: 700212,
    status: 401,
    error: "invalid_client",
    text: "No matching federated identity record found for presented assertion audience '{value}'.",
  },
  {
    code: 700213,
    status: 401,
    error: "invalid_client",
    text: "No matching federated identity record found for presented assertion subject '{value}'.",
  },
  {
    code: 700016,
    status: 400,
    error: "unauthorized_client",
    text: "Application with identifier '{app}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
  },
  { code: 7000112, status: 401, error: "invalid_client", text: "Application '{app}' is disabled." },
  {
    code: 7000229,
    status: 401,
    error: "unauthorized_client",
    text: "The client application {app} is missing service principal in the tenant {tenant}.",
  },
  {
    code: 90002,
    status: 400,
    error: "invalid_request",
    text: "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
  },
  { code: 90038, status: 400, error: "invalid_request", text: "Tenant '{tenant}' request is being redirected to the National Cloud." },
  { code: 900382, status: 400, error: "invalid_client", text: "Confidential Client is not supported in Cross Cloud request." },
  { code: 900432, status: 400, error: "invalid_client", text: "Confidential Client is not supported in Cross Cloud request." },
  {
    code: 9001023,
    status: 400,
    error: "invalid_request",
    text: "The grant type is not supported over the /{value} endpoint. Please use the /consumers or tenant-specific endpoint.",
  },
  {
    code: 50059,
    status: 400,
    error: "invalid_request",
    text: "No tenant-identifying information found in either the request or implied by any provided credentials.",
  },
  {
    code: 1002012,
    status: 400,
    error: "invalid_scope",
    text: "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
  },
  {
    code: 70011,
    status: 400,
    error: "invalid_scope",
    text: "The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.",
  },
  {
    code: 500011,
    status: 400,
    error: "invalid_resource",
    text: "The resource principal named {resource} was not found in the tenant named {tenant}.",
  },
  {
    code: 650052,
    status: 400,
    error: "invalid_resource",
    text: "The app is trying to access a service '{resource}' that your organization '{tenant}' lacks a service principal for.",
  },
  {
    code: 53003,
    status: 400,
    error: "invalid_grant",
    text: "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
    suberror: "message_only",
    claims: '{"access_token":{"capolids":{"essential":true,"values":["7d2d1c5e-0c4e-4b5f-9d0a-5f0b8c3a9e11"]}}}',
  },
  { code: 900144, status: 400, error: "invalid_request", text: "The request body must contain the following parameter: '{value}'." },
  { code: 70003, status: 400, error: "unsupported_grant_type", text: "The app requested an unsupported grant type '{value}'." },
  { code: 90055, status: 429, error: "temporarily_unavailable", text: "The request is being throttled." },
  { code: 90033, status: 503, error: "temporarily_unavailable", text: "A transient error has occurred. Please try again." },
  { code: 90006, status: 503, error: "temporarily_unavailable", text: "The service is temporarily unavailable. Please retry later." },
  { code: 90024, status: 503, error: "temporarily_unavailable", text: "The request budget was exceeded: a transient error occurred." },
  { code: 50000, status: 500, error: "server_error", text: "There was an error issuing a token or an issue with our sign-in service." },
];
