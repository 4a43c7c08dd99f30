import { stripControls } from "../strip-controls.ts";
import type { Fact, Fix } from "./finding.ts";
import type { Subject } from "./observations.ts";

const exchangeAdmin = "As an Exchange administrator, in PowerShell:";
const entraAdmin = "As an administrator of the directory, in PowerShell:";

/** Office 365 Exchange Online, and its application permissions for the mail protocols (Microsoft's well-known ids). */
const exchangeOnlineApp = "00000002-0000-0ff1-ce00-000000000000";
const roleIds = {
  imap: "5e5addcd-3e8d-4e90-baf5-964efab2b20a",
  pop3: "cb842b43-da6e-4506-86fe-bb12199c656d",
} as const;

export const roleNames = { imap: "IMAP.AccessAsApp", pop3: "POP.AccessAsApp" } as const;

/** The switches of a mailbox in Exchange. */
export const switchNames = { imap: "ImapEnabled", pop3: "PopEnabled" } as const;

/**
 * One word of PowerShell, whatever is in it (T57). Typographic quotes end a string there too, so they are doubled like the plain one.
 */
function psQuote(text: string): string {
  return `'${stripControls(text).replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}

/** A value of a token or a configuration that must be a GUID before it goes into a command; else a place to fill in. */
function guidOr(value: string | undefined, blank: string): string {
  return value !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value.toLowerCase() : blank;
}

export interface PrincipalIds {
  readonly appId: string;
  readonly objectId: string;
}

/** From the configuration and the token: an app-only token's `oid` is the object id that Exchange wants (exchange-online 0.2). */
export function principalIds(subject: Subject, oid: string | undefined): PrincipalIds {
  return {
    appId: guidOr(subject.clientId, "<Application (client) ID>"),
    objectId: guidOr(oid, "<Object ID of the Enterprise application>"),
  };
}

export function principalFacts({ appId, objectId }: PrincipalIds): readonly Fact[] {
  return [
    { label: "Application (client) ID", value: appId },
    { label: "Object ID for Exchange", value: objectId },
  ];
}

/** Registers the app in Exchange with the right object id, and gives it the mailbox. */
export function registerFix(ids: PrincipalIds, mailbox: string | undefined): Fix {
  const appId = psQuote(ids.appId);
  return {
    who: exchangeAdmin,
    commands: [
      "Connect-ExchangeOnline",
      `Get-ServicePrincipal | Where-Object AppId -eq ${appId} | Format-List AppId,ObjectId`,
      "Remove-ServicePrincipal -Identity '<the ObjectId it shows, if it is another>'",
      `New-ServicePrincipal -AppId ${appId} -ObjectId ${psQuote(ids.objectId)} -DisplayName 'mailfleet'`,
      ...(mailbox === undefined ? [] : [grantLine(ids, mailbox)]),
    ],
  };
}

/** Gives the app one mailbox, in the order in which the causes are likely: FullAccess, the protocol's switch, the address. */
export function grantFix(ids: PrincipalIds, mailbox: string, protocol: Subject["protocol"]): Fix {
  const who = psQuote(mailbox);
  return {
    who: exchangeAdmin,
    commands: [
      "Connect-ExchangeOnline",
      `Get-MailboxPermission -Identity ${who} | Format-Table User,AccessRights`,
      grantLine(ids, mailbox),
      ...switchLines(mailbox, protocol),
      `Get-Mailbox -Identity ${who} | Format-List PrimarySmtpAddress,UserPrincipalName`,
    ],
  };
}

/** Shows who may open a mailbox. */
export function permissionsFix(mailbox: string): Fix {
  return {
    who: exchangeAdmin,
    commands: ["Connect-ExchangeOnline", `Get-MailboxPermission -Identity ${psQuote(mailbox)} | Format-Table User,AccessRights`],
  };
}

/** Takes one mailbox from the app: the opposite of `grantFix`. */
export function revokeFix({ objectId }: PrincipalIds, mailbox: string): Fix {
  const { who, commands } = permissionsFix(mailbox);
  const revoke = `Remove-MailboxPermission -Identity ${psQuote(mailbox)} -User ${psQuote(objectId)} -AccessRights FullAccess`;
  return { who, commands: [...commands, revoke] };
}

/** Switches a protocol on for one mailbox, and shows where else it is off. */
export function switchFix(mailbox: string, protocol: Subject["protocol"]): Fix {
  return {
    who: exchangeAdmin,
    commands: [
      "Connect-ExchangeOnline",
      ...switchLines(mailbox, protocol),
      `Get-CASMailbox -ResultSize Unlimited | Where-Object { -not $_.${switchNames[protocol]} } | Format-Table PrimarySmtpAddress`,
    ],
  };
}

function switchLines(mailbox: string, protocol: Subject["protocol"]): readonly string[] {
  const who = psQuote(mailbox);
  return [
    `Get-CASMailbox -Identity ${who} | Format-List ImapEnabled,PopEnabled`,
    `Set-CASMailbox -Identity ${who} -${switchNames[protocol]} $true`,
  ];
}

/** Gives the app all mailboxes of a tenant; those beyond `mailboxes` come from the list that was imported. */
export function grantAllFix(ids: PrincipalIds, mailboxes: readonly string[], isAll: boolean): Fix {
  const grant = (who: string): string =>
    `ForEach-Object { Add-MailboxPermission -Identity ${who} -User ${psQuote(ids.objectId)} -AccessRights FullAccess -AutoMapping:$false }`;
  const [first = "<mailbox>"] = mailboxes;
  return {
    who: isAll ? exchangeAdmin : "As an Exchange administrator, in PowerShell; boxes.csv is the list of the mailboxes that was imported:",
    commands: [
      "Connect-ExchangeOnline",
      `Get-ServicePrincipal | Where-Object AppId -eq ${psQuote(ids.appId)} | Format-List AppId,ObjectId`,
      `Get-MailboxPermission -Identity ${psQuote(first)} | Format-Table User,AccessRights`,
      isAll ? `${mailboxes.map(psQuote).join(",")} | ${grant("$_")}` : `Import-Csv boxes.csv | ${grant("$_.address")}`,
      `Get-CASMailbox -Identity ${psQuote(first)} | Format-List ImapEnabled,PopEnabled`,
    ],
  };
}

/** What Microsoft says of itself. */
export const healthFix: Fix = { who: "Is it Microsoft? Look at:", commands: ["https://status.cloud.microsoft"] };

function grantLine({ objectId }: PrincipalIds, mailbox: string): string {
  return `Add-MailboxPermission -Identity ${psQuote(mailbox)} -User ${psQuote(objectId)} -AccessRights FullAccess -AutoMapping:$false`;
}

/** Grants the application permission, which is consent as well. */
export function consentFix(subject: Subject): readonly Fix[] {
  const appId = guidOr(subject.clientId, "<Application (client) ID>");
  return [
    {
      who: entraAdmin,
      commands: [
        "Connect-MgGraph -Scopes Application.ReadWrite.All,AppRoleAssignment.ReadWrite.All",
        `$sp = Get-MgServicePrincipal -Filter "appId eq '${appId}'"`,
        `$exo = Get-MgServicePrincipal -Filter "appId eq '${exchangeOnlineApp}'"`,
        `New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $sp.Id -PrincipalId $sp.Id -ResourceId $exo.Id -AppRoleId ${roleIds[subject.protocol]}`,
      ],
    },
    { who: "Or, once the permission stands in the app registration, in a browser:", commands: [consentUrl(subject)] },
  ];
}

/** Makes the Enterprise application of an app that the directory does not have yet. */
export function principalFix(subject: Subject): readonly Fix[] {
  const appId = guidOr(subject.clientId, "<Application (client) ID>");
  return [
    { who: "In a browser, as an administrator of the directory:", commands: [consentUrl(subject)] },
    {
      who: "Or in PowerShell:",
      commands: ["Connect-MgGraph -Scopes Application.ReadWrite.All", `New-MgServicePrincipal -AppId '${appId}'`],
    },
  ];
}

function consentUrl({ authority, tenantId, clientId, scope }: Subject): string {
  const tenant = encodeURIComponent(tenantId);
  return `${authority}/${tenant}/v2.0/adminconsent?client_id=${encodeURIComponent(clientId)}&scope=${encodeURIComponent(scope)}`;
}

export function newSecretFix(subject: Subject): Fix {
  return {
    who: "As an owner of the app, in PowerShell; what it prints goes into the secret's file:",
    commands: [
      "Connect-MgGraph -Scopes Application.ReadWrite.All",
      `$app = Get-MgApplication -Filter "appId eq '${guidOr(subject.clientId, "<Application (client) ID>")}'"`,
      "(Add-MgApplicationPassword -ApplicationId $app.Id -PasswordCredential @{ displayName = 'mailfleet' }).SecretText",
    ],
  };
}

export const clockFix: Fix = { who: "On this machine:", commands: ["sudo timedatectl set-ntp true", "timedatectl status"] };

/** Public: what the app registration lists under Certificates & secrets. */
export const thumbprintFix: Fix = {
  who: "On this machine, to compare with Certificates & secrets of the app registration (CERTFILE: certFile of the configuration):",
  commands: ["openssl x509 -in CERTFILE -noout -fingerprint -sha256", "openssl x509 -in CERTFILE -noout -fingerprint -sha1"],
};

/** What a peer shows, by a tool that everybody has. */
export function certificateFix(host: string, port: number): Fix {
  const target = `${host}:${String(port)}`;
  return {
    who: "To see the certificate on this machine:",
    commands: [`openssl s_client -connect ${target} -servername ${host} -showcerts </dev/null`],
  };
}
