import type { CloudName, OnboardingPlan } from "./onboarding-plan.ts";
import { odataString, psString } from "./quote.ts";

/** Ids that are the same in every directory: Office 365 Exchange Online, and its application roles. */
const exchangeAppId = "00000002-0000-0ff1-ce00-000000000000";
const roles = {
  imap: { name: "IMAP.AccessAsApp", id: "5e5addcd-3e8d-4e90-baf5-964efab2b20a" },
  pop3: { name: "POP.AccessAsApp", id: "cb842b43-da6e-4506-86fe-bb12199c656d" },
} as const;

/** Names of `Connect-MgGraph -Environment` and `Connect-ExchangeOnline -ExchangeEnvironmentName`. */
const clouds: Record<CloudName, { readonly graph: string; readonly exchange: string }> = {
  global: { graph: "Global", exchange: "O365Default" },
  usgov: { graph: "USGov", exchange: "O365USGovGCCHigh" },
  dod: { graph: "USGovDoD", exchange: "O365USGovDoD" },
  china: { graph: "China", exchange: "O365China" },
};

/** Comment lines that a person reads first. Nothing from outside stands in them: a comment ends at more characters than a string does. */
export function heading(lines: readonly string[]): string {
  return lines.map((line) => `# ${line}`.trimEnd()).join("\n");
}

export function reportName(alias: string): string {
  return `mailfleet-${alias}-report.csv`;
}

/** Everything that differs from tenant to tenant. */
export function constants(plan: OnboardingPlan): string {
  const { alias, tenantId, cloud, appId = "", name, mailboxes } = plan;
  const wanted = plan.roles.map((role) => `  @{ Name = ${psString(roles[role].name)}; Id = ${psString(roles[role].id)} }`);
  const boxes = mailboxes.map(
    ({ address, isImap, isPop3 }) => `  @{ Address = ${psString(address)}; Imap = ${bool(isImap)}; Pop = ${bool(isPop3)} }`,
  );
  return `$TenantName = ${psString(alias)}
$TenantId = ${psString(tenantId.toLowerCase())}
$GraphEnvironment = ${psString(clouds[cloud].graph)}
$ExchangeEnvironment = ${psString(clouds[cloud].exchange)}
$AppName = ${psString(name)}
$AppNameFilter = ${psString(`displayName eq ${odataString(name)}`)}
$KnownAppId = ${psString(appId.toLowerCase())}
$ExchangeAppId = ${psString(exchangeAppId)}
$Roles = @(
${wanted.join("\n")}
)
$IdsFile = ${psString(`mailfleet-${alias}-ids.json`)}
$RetryCount = 18
$RetrySeconds = 10
$Mailboxes = @(
${boxes.join("\n")}
)`;
}

function bool(value: boolean): string {
  return value ? "$true" : "$false";
}

/** Parameters of each script, and what runs before anything else. */
export const setup = String.raw`Set-StrictMode -Version 1.0
$ErrorActionPreference = 'Stop'
# Commands of a module do not see the line above.
$PSDefaultParameterValues = @{ '*:ErrorAction' = 'Stop' }
$ProgressPreference = 'SilentlyContinue'
$Gate = $PSCmdlet
$Failed = 0
$ExchangeSessions = @()
$RetryPattern = 'not found|be found|not exist|ResourceNotFound|ObjectNotFound|replicat'`;

export const functions = String.raw`# A cell that a spreadsheet would take for a formula is written as text.
function Protect-Cell {
  param($Text)
  $line = ('{0}' -f $Text) -replace '[\r\n\t]+', ' '
  if ($line -match '^[=+@-]') { return ('''' + $line) }
  return $line
}

# Outcomes: done, same (it was so before), planned (-WhatIf), look, failed.
function Write-Outcome {
  param($Address, $Step, $Outcome, $Message)
  if ($Outcome -eq 'failed') { $script:Failed = $script:Failed + 1 }
  $row = [pscustomobject] @{ address = (Protect-Cell $Address); step = $Step; outcome = $Outcome; message = (Protect-Cell $Message) }
  $row | Export-Csv -LiteralPath $Report -Append -NoTypeInformation -Encoding 'UTF8' -WhatIf:$false
  Write-Host ('{0,-8} {1,-12} {2} {3}' -f $Outcome, $Step, $Address, $Message)
}

# What was just made is not known everywhere at once. Any other error, and the last try, go on to the caller.
function Invoke-Retry {
  param($What, $Action)
  foreach ($try in 1..$RetryCount) {
    try {
      return (& $Action)
    }
    catch {
      if ($try -eq $RetryCount -or $_.Exception.Message -notmatch $RetryPattern) { throw }
      Write-Host ('waiting  {0}: not known everywhere yet, try {1} of {2}' -f $What, $try, $RetryCount)
      Start-Sleep -Seconds $RetrySeconds
    }
  }
}

# Looks until something is there; nothing after the last try.
function Wait-For {
  param($What, $Look)
  foreach ($try in 1..$RetryCount) {
    $found = @(& $Look)
    if ($found.Count -gt 0) { return $found[0] }
    Write-Host ('waiting  {0}: not found yet, try {1} of {2}' -f $What, $try, $RetryCount)
    Start-Sleep -Seconds $RetrySeconds
  }
  throw ('{0} was not found after {1} tries, {2} seconds apart. Run this script again in ten minutes: it goes on where it was.' -f $What, $RetryCount, $RetrySeconds)
}

function Assert-Module {
  param($Name, $Minimum)
  $found = @(Get-Module -ListAvailable -Name $Name | Where-Object { $_.Version -ge [version] $Minimum })
  if ($found.Count -eq 0) {
    throw ('The PowerShell module {0}, {1} or newer, is not installed. Install it: Install-Module {0} -Scope CurrentUser' -f $Name, $Minimum)
  }
}

function Assert-Shell {
  $have = [version] ('{0}.{1}' -f $PSVersionTable.PSVersion.Major, $PSVersionTable.PSVersion.Minor)
  if ($have -lt [version] '5.1' -or ($have -ge [version] '6.0' -and $have -lt [version] '7.4')) {
    throw ('This is PowerShell {0}. Windows PowerShell 5.1, or PowerShell 7.4 or newer, is needed. Nothing was changed.' -f $PSVersionTable.PSVersion)
  }
}

# Each part runs in a shell of its own: the two modules bring versions of one sign-in library that do not bear each other.
function Invoke-Part {
  param($Name, $More)
  $shell = 'powershell'
  if ($PSVersionTable.PSEdition -eq 'Core') { $shell = 'pwsh' }
  $arguments = @('-NoProfile', '-File', $PSCommandPath, '-Part', $Name, '-Report', $Report) + @($More)
  if ($WhatIfPreference) { $arguments = $arguments + @('-WhatIf') }
  & (Join-Path $PSHOME $shell) $arguments
  if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

function Connect-Entra {
  Assert-Module 'Microsoft.Graph.Authentication' '2.0.0'
  Assert-Module 'Microsoft.Graph.Applications' '2.0.0'
  Import-Module 'Microsoft.Graph.Applications'
  Connect-MgGraph -TenantId $TenantId -Environment $GraphEnvironment -ContextScope 'Process' -NoWelcome -Scopes @('Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All')
  $context = Get-MgContext
  if ($context.TenantId -ne $TenantId) { throw ('You are signed in to tenant {0}, and this script is for {1}. Nothing was changed.' -f $context.TenantId, $TenantId) }
}

function Connect-Exchange {
  # Older ones cannot end one session and leave another.
  Assert-Module 'ExchangeOnlineManagement' '3.2.0'
  Import-Module 'ExchangeOnlineManagement'
  $before = @(Get-ConnectionInformation | ForEach-Object { $_.ConnectionId })
  Connect-ExchangeOnline -ExchangeEnvironmentName $ExchangeEnvironment -ShowBanner:$false
  $used = @(Get-ConnectionInformation | Where-Object { $before -notcontains $_.ConnectionId })
  $script:ExchangeSessions = @($used | ForEach-Object { '{0}' -f $_.ConnectionId })
  if ($used.Count -eq 0) { $used = @(Get-ConnectionInformation) }
  $here = @($used | Where-Object { $_.State -eq 'Connected' -and $_.TenantID -eq $TenantId })
  if ($here.Count -eq 0) { throw ('You are not signed in to tenant {0}, for which this script is. Nothing was changed in Exchange.' -f $TenantId) }
}

# A session that was there before, in the shell of whoever runs this, stays.
function Disconnect-Exchange {
  if ($ExchangeSessions.Count -gt 0) { Disconnect-ExchangeOnline -ConnectionId $ExchangeSessions -Confirm:$false }
}

# The app registration: by its id, else by its exact name; none is nothing, two are an error.
function Find-App {
  $properties = @('id', 'appId', 'displayName', 'keyCredentials', 'passwordCredentials', 'requiredResourceAccess')
  if ($KnownAppId -ne '') { $apps = @(Get-MgApplication -Filter ('appId eq ''{0}''' -f $KnownAppId) -Property $properties) }
  else { $apps = @(Get-MgApplication -Filter $AppNameFilter -Property $properties -All | Where-Object { $_.DisplayName -ceq $AppName }) }
  if ($apps.Count -gt 1) {
    $ids = ($apps | ForEach-Object { $_.AppId }) -join ', '
    throw ('{0} app registrations have the name {1}. Make this script again with --app-id and one of: {2}' -f $apps.Count, $AppName, $ids)
  }
  if ($apps.Count -eq 0) { return }
  return (Get-MgApplication -ApplicationId $apps[0].Id -Property $properties)
}

function Find-Principal {
  param($ForAppId)
  $found = @(Get-MgServicePrincipal -Filter ('appId eq ''{0}''' -f $ForAppId))
  if ($found.Count -gt 0) { return $found[0] }
}

function Save-Ids {
  param($ForAppId, $ForObjectId)
  [pscustomobject] @{ tenantId = $TenantId; appId = $ForAppId; objectId = $ForObjectId } | ConvertTo-Json | Set-Content -LiteralPath $IdsFile -Encoding 'UTF8' -WhatIf:$false
}

function Read-Ids {
  if (-not (Test-Path -LiteralPath $IdsFile)) { return }
  $ids = Get-Content -LiteralPath $IdsFile -Raw | ConvertFrom-Json
  if ($ids.tenantId -ne $TenantId) { throw ('{0} is of tenant {1}, and this script is for {2}.' -f $IdsFile, $ids.tenantId, $TenantId) }
  return $ids
}

# Whether the principal may open a mailbox. Exchange lists it by an id or by its SID, depending on the front end.
function Test-Grant {
  param($Address, $Ids)
  $rights = @(Get-MailboxPermission -Identity $Address | Where-Object { ($Ids -contains ('{0}' -f $_.User) -or $Ids -contains ('{0}' -f $_.UserSid)) -and -not $_.Deny -and ($_.AccessRights -join ' ') -match 'FullAccess' })
  return ($rights.Count -gt 0)
}

# No display name: a person may be called like the app.
function Get-PrincipalIds {
  param($Principal)
  $ids = @($Principal.ObjectId, $Principal.AppId, $Principal.Identity, $Principal.Sid) | Where-Object { $_ } | ForEach-Object { '{0}' -f $_ }
  return ($ids | Where-Object { $_ -ne $Principal.DisplayName })
}

function Get-RegisteredPrincipal {
  param($ForAppId)
  return (Get-ServicePrincipal | Where-Object { $_.AppId -eq $ForAppId })
}`;
