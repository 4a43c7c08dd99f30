import type { FailureCode } from "../failure-code.ts";

/** What one AADSTS number of Microsoft Entra means for an app that logs in as itself. */
export interface AadstsEntry {
  readonly code: FailureCode;
  /** The cause, as a sentence. */
  readonly meaning: string;
  /** What a person does. */
  readonly youCan: string;
  /** Other causes of the same number. */
  readonly also?: string;
}

const wrongCloud = "Set cloud to where the directory is: global, usgov, dod or china.";

/** Microsoft's list of error codes, and transcripts (exchange-online 1.3). The codes are those that the token layer gives them. */
export const aadsts: Readonly<Record<number, AadstsEntry>> = {
  7000215: {
    code: "ENTRA_CREDENTIAL_INVALID",
    meaning: "The client secret is not one of this app's. Often the secret's ID was stored in place of its Value.",
    youCan: "Store the secret's Value, without anything behind it; make a new secret where the Value is not known any more.",
    also: "a secret made in the last minutes that has not reached all of Entra yet.",
  },
  7000216: {
    code: "ENTRA_CREDENTIAL_INVALID",
    meaning: "The request carried no credential.",
    youCan: "Check that the secret's file is not empty, and that nothing on the way changes the request.",
  },
  7000218: {
    code: "ENTRA_CREDENTIAL_INVALID",
    meaning: "The request carried neither a secret nor a signed assertion.",
    youCan: "Check that the secret's file is not empty, and that nothing on the way changes the request.",
  },
  7000222: {
    code: "ENTRA_CREDENTIAL_EXPIRED",
    meaning: "The client secret has expired.",
    youCan: "Make a new secret and put its Value into the secret's file; it is used at once.",
  },
  700024: {
    code: "ENTRA_CLOCK_WRONG",
    meaning: "The signed assertion is outside its time window: the clock of this machine is off.",
    youCan: "Set the clock of the machine that mailfleet runs on (NTP).",
  },
  700027: {
    code: "ENTRA_CREDENTIAL_INVALID",
    meaning: "The certificate that signed the assertion is not one of this app's.",
    youCan: "Upload the public certificate to the app registration, and compare its SHA-256 thumbprint with that of certFile.",
  },
  700016: {
    code: "ENTRA_APP_UNKNOWN",
    meaning: "The directory does not know an app of this client id.",
    youCan: "Compare clientId and tenantId with the app registration, and give admin consent in this directory.",
    also: "an app registered in another cloud.",
  },
  7000112: {
    code: "ENTRA_APP_UNKNOWN",
    meaning: "The app is disabled, by its owner or by Microsoft.",
    youCan: "Enable it: Entra admin center, Enterprise applications, Properties, Enabled for users to sign in.",
  },
  7000229: {
    code: "ENTRA_PRINCIPAL_MISSING",
    meaning: "The app has no service principal (Enterprise application) in this directory.",
    youCan: "Create it by giving admin consent, then register its object id in Exchange.",
  },
  90002: {
    code: "ENTRA_TENANT_UNKNOWN",
    meaning: "This cloud has no such directory.",
    youCan: `Compare tenantId with the Directory (tenant) ID of the Entra admin center. ${wrongCloud}`,
  },
  90038: {
    code: "ENTRA_TENANT_UNKNOWN",
    meaning: "The directory is in a national cloud, and another one was asked.",
    youCan: wrongCloud,
  },
  900382: {
    code: "ENTRA_TENANT_UNKNOWN",
    meaning: "An app cannot log in across clouds, and the directory is in another one.",
    youCan: wrongCloud,
  },
  900432: {
    code: "ENTRA_TENANT_UNKNOWN",
    meaning: "An app cannot log in across clouds, and the directory is in another one.",
    youCan: wrongCloud,
  },
  9001023: {
    code: "ENTRA_TENANT_UNKNOWN",
    meaning: "The tenant is given as common or organizations, for which an app gets no token.",
    youCan: "Set tenantId to the directory's id.",
  },
  50059: {
    code: "ENTRA_TENANT_UNKNOWN",
    meaning: "The request names no directory.",
    youCan: "Set tenantId to the directory's id.",
  },
  1002012: {
    code: "ENTRA_SCOPE_INVALID",
    meaning: "The scope does not end in /.default, as an app's must.",
    youCan: "Set endpoints.scope to https://outlook.office365.com/.default, or that of your cloud.",
  },
  70011: {
    code: "ENTRA_SCOPE_INVALID",
    meaning: "The scope is not one that Entra can read: a typing error, or two resources at once.",
    youCan: "Set endpoints.scope to https://outlook.office365.com/.default, or that of your cloud.",
  },
  500011: {
    code: "ENTRA_SCOPE_INVALID",
    meaning: "The directory has no service of this name: no Exchange Online, or the scope of another cloud.",
    youCan: `Check the directory's Exchange licence and endpoints.scope. ${wrongCloud}`,
  },
  650052: {
    code: "ENTRA_SCOPE_INVALID",
    meaning: "The directory has no subscription to the service that is asked for.",
    youCan: `Check the directory's Exchange licence. ${wrongCloud}`,
  },
  65001: {
    code: "ENTRA_CONSENT_MISSING",
    meaning: "Nobody consented to the app in this directory.",
    youCan: "Give admin consent.",
  },
  53003: {
    code: "ENTRA_ACCESS_BLOCKED",
    meaning: "A Conditional Access policy for workload identities blocks the app, most often because of where it comes from.",
    youCan: "Allow this machine's public address in the policy (its id is in capolids of the sign-in log), or exclude the app.",
  },
  53000: {
    code: "ENTRA_ACCESS_BLOCKED",
    meaning: "A Conditional Access policy asks for a compliant device, which an app has not.",
    youCan: "Exclude the app from the policy.",
  },
  50105: {
    code: "ENTRA_ACCESS_BLOCKED",
    meaning: "The Enterprise application demands an assignment that this app does not have.",
    youCan: "Turn off Assignment required in the Enterprise application's properties, or assign it.",
  },
  90055: {
    code: "ENTRA_THROTTLED",
    meaning: "The directory sends too many token requests.",
    youCan: "Nothing; look for another program that asks for tokens in a loop if it lasts.",
  },
  50196: {
    code: "ENTRA_THROTTLED",
    meaning: "The app asked for the same token in a loop.",
    youCan: "Nothing; look for another program with this client id if it lasts.",
  },
  90033: {
    code: "ENTRA_UNAVAILABLE",
    meaning: "Entra is busy or down for a moment.",
    youCan: "Nothing; look at Microsoft's service health if it lasts.",
  },
  90006: {
    code: "ENTRA_UNAVAILABLE",
    meaning: "Entra had an internal error.",
    youCan: "Nothing; look at Microsoft's service health if it lasts.",
  },
  90024: {
    code: "ENTRA_UNAVAILABLE",
    meaning: "Entra is busy or down for a moment.",
    youCan: "Nothing; look at Microsoft's service health if it lasts.",
  },
  50000: {
    code: "ENTRA_UNAVAILABLE",
    meaning: "Entra had an internal error.",
    youCan: "Nothing; look at Microsoft's service health if it lasts.",
  },
};
