import type { CloudName, OnboardingPlan } from "./onboarding-plan.ts";
import { odataString, psString } from "./quote.ts";

/** exchange-online.md section 5, item 2: Office 365 Exchange Online, and its application roles. */
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
  if ($PSVersionTable.PSVersion -lt [version] '5.1') {
    throw ('This is PowerShell {0}. Windows PowerShell 5.1 or PowerShell 7.4 is needed.' -f $PSVersionTable.PSVersion)
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
  Assert-Module 'ExchangeOnlineManagement' '3.0.0'
  Import-Module 'ExchangeOnlineManagement'
  Connect-ExchangeOnline -ExchangeEnvironmentName $ExchangeEnvironment -ShowBanner:$false
  $here = @(Get-ConnectionInformation | Where-Object { $_.State -eq 'Connected' -and $_.TenantID -eq $TenantId })
  if ($here.Count -eq 0) { throw ('You are not signed in to tenant {0}, for which this script is. Nothing was changed in Exchange.' -f $TenantId) }
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

# Whether the principal may open a mailbox. Exchange names it by id, by name or by its SID, depending on the front end.
function Test-Grant {
  param($Address, $Names)
  $rights = @(Get-MailboxPermission -Identity $Address | Where-Object { $Names -contains ('{0}' -f $_.User) -and -not $_.Deny -and ($_.AccessRights -join ' ') -match 'FullAccess' })
  return ($rights.Count -gt 0)
}

function Get-PrincipalNames {
  param($Principal)
  return (@($Principal.ObjectId, $Principal.AppId, $Principal.DisplayName, $Principal.Name, $Principal.Identity, $Principal.Sid) | Where-Object { $_ } | ForEach-Object { '{0}' -f $_ })
}

function Get-RegisteredPrincipal {
  param($ForAppId)
  return (Get-ServicePrincipal | Where-Object { $_.AppId -eq $ForAppId })
}`;

/** A file that only its owner reads, there before there is anything to write into it. Nothing is shown, so no transcript has it. */
export const secretFunctions = String.raw`function New-PrivateFile {
  param($Path)
  $full = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
  [System.IO.File]::Open($full, 'CreateNew').Dispose()
  if ($env:OS -eq 'Windows_NT') {
    $rights = Get-Acl -LiteralPath $full
    $rights.SetAccessRuleProtection($true, $false)
    $me = [System.Security.Principal.WindowsIdentity]::GetCurrent().User
    $rights.AddAccessRule([System.Security.AccessControl.FileSystemAccessRule]::new($me, 'FullControl', 'Allow'))
    Set-Acl -LiteralPath $full -AclObject $rights
  }
  else {
    chmod '600' $full
    if ($LASTEXITCODE -ne 0) { throw ('The rights of {0} could not be restricted. No secret was made.' -f $full) }
  }
  return $full
}

function Add-Secret {
  param($App, $Path, $Months)
  if (Test-Path -LiteralPath $Path) {
    Write-Outcome '' 'secret' 'same' ('{0} is there already; no other secret was made' -f $Path)
    return
  }
  if (-not $Gate.ShouldProcess($App.DisplayName, 'add a client secret')) {
    Write-Outcome '' 'secret' 'planned' ('would be written to {0}' -f $Path)
    return
  }
  $full = New-PrivateFile $Path
  try {
    $made = Add-MgApplicationPassword -ApplicationId $App.Id -PasswordCredential @{ DisplayName = 'mailfleet'; EndDateTime = (Get-Date).ToUniversalTime().AddMonths($Months) } -Confirm:$false
    [System.IO.File]::WriteAllText($full, $made.SecretText)
  }
  catch {
    [System.IO.File]::Delete($full)
    throw
  }
  Write-Outcome '' 'secret' 'done' ('key {0}, until {1:yyyy-MM-dd}, in {2}' -f $made.KeyId, $made.EndDateTime, $Path)
}`;

export const certificateFunctions = String.raw`function Read-Certificate {
  if ($CertificateFile -ne '') { $bytes = [System.IO.File]::ReadAllBytes((Resolve-Path -LiteralPath $CertificateFile).ProviderPath) }
  elseif ($CertificateText -ne '') { $bytes = [System.Convert]::FromBase64String($CertificateText) }
  else {
    Write-Host 'A certificate is needed, and none was given. Make one where mailfleet runs; its key never leaves that machine:'
    Write-Host '  openssl req -x509 -newkey rsa:3072 -sha256 -nodes -days 365 -subj /CN=mailfleet -keyout mailfleet.key.pem -out mailfleet.cert.pem'
    Write-Host '  or on Windows: New-SelfSignedCertificate -Subject CN=mailfleet -KeyAlgorithm RSA -KeyLength 3072 -KeyExportPolicy Exportable -CertStoreLocation Cert:\CurrentUser\My'
    throw 'Run this script again with -CertificateFile mailfleet.cert.pem. Nothing was changed.'
  }
  $certificate = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($bytes)
  if ($certificate.HasPrivateKey) { throw 'That file holds a private key. Give the certificate alone: the key stays where mailfleet runs. Nothing was changed.' }
  return $certificate
}

function Test-SameKey {
  param($Entry, $Certificate)
  if ($null -ne $Entry.Key) { return ([System.Convert]::ToBase64String($Entry.Key) -eq [System.Convert]::ToBase64String($Certificate.RawData)) }
  if ($null -eq $Entry.CustomKeyIdentifier) { return $false }
  return ([System.BitConverter]::ToString($Entry.CustomKeyIdentifier) -eq [System.BitConverter]::ToString($Certificate.GetCertHash()))
}

function Add-Certificate {
  param($App, $Certificate)
  $present = @($App.KeyCredentials | Where-Object { $_ })
  if (@($present | Where-Object { Test-SameKey $_ $Certificate }).Count -gt 0) {
    Write-Outcome '' 'certificate' 'same' ('{0} is there already' -f $Certificate.Thumbprint)
    return
  }
  if (-not $Gate.ShouldProcess($App.DisplayName, 'add a certificate')) {
    Write-Outcome '' 'certificate' 'planned' $Certificate.Thumbprint
    return
  }
  $keys = @($present) + @(@{ Type = 'AsymmetricX509Cert'; Usage = 'Verify'; DisplayName = 'mailfleet'; Key = $Certificate.RawData })
  Update-MgApplication -ApplicationId $App.Id -KeyCredentials $keys -Confirm:$false
  Write-Outcome '' 'certificate' 'done' ('{0}, until {1:yyyy-MM-dd}' -f $Certificate.Thumbprint, $Certificate.NotAfter)
}`;
