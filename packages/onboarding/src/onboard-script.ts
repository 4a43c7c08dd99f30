import { certificateFunctions, secretFunctions } from "./credential-functions.ts";
import type { OnboardingPlan } from "./onboarding-plan.ts";
import { constants, functions, heading, reportName, setup } from "./prelude.ts";
import { psString } from "./quote.ts";
import { finishScript } from "./script-text.ts";

/**
 * Registers the app, or takes one that is there; gives it the permissions, makes Exchange know it, and opens each mailbox to it. What is
 * done already is left as it is, so that it may run again after any end.
 */
export function onboardScript(plan: OnboardingPlan): string {
  const { credential, alias } = plan;
  const isSecret = credential.kind === "secret";
  return finishScript([
    heading([
      "mailfleet onboard: lets an app read mailboxes of Exchange Online over IMAP or POP3, without anybody's password.",
      "",
      "  -WhatIf            shows what it would do, and changes nothing",
      "  -Part Entra        the app, its permissions and its credential; needs Cloud Application Administrator and, for consent,",
      "                     Privileged Role Administrator",
      "  -Part Exchange     what Exchange has to know, and the mailboxes; needs Exchange Administrator",
      "  -AppId, -ObjectId  with -Part Exchange: the ids, when mailfleet-TENANT-ids.json of the other part is not here",
      "  -Report FILE       the report; lines are added to it, and the script that undoes this reads it",
      "",
      "It may run again: what is done is left as it is. FullAccess lets the app also change and delete mail in these mailboxes;",
      "Exchange has nothing narrower for IMAP and POP3. Exit codes: 0 all is done, 1 something failed.",
    ]),
    parameters(alias, isSecret),
    setup,
    constants(plan),
    credential.kind === "secret"
      ? `$SecretFile = ${psString(credential.file)}\n$SecretMonths = ${credential.months}`
      : `$CertificateText = ${psString(credential.base64 ?? "")}`,
    functions,
    isSecret ? secretFunctions : certificateFunctions,
    entraFunctions,
    `function Add-Credential {
  param($App)
  ${isSecret ? "Add-Secret $App $SecretFile $SecretMonths" : "Add-Certificate $App $Certificate"}
}`,
    exchangeFunctions,
    main(isSecret),
  ]);
}

function parameters(alias: string, isSecret: boolean): string {
  const certificate = isSecret ? "" : "  [string] $CertificateFile = '',\n";
  return `[CmdletBinding(SupportsShouldProcess = $true)]
param(
  [ValidateSet('All', 'Entra', 'Exchange')]
  [string] $Part = 'All',
${certificate}  [string] $AppId = '',
  [string] $ObjectId = '',
  [string] $Report = ${psString(reportName(alias))}
)`;
}

const entraFunctions = String.raw`function Join-Access {
  param($Current)
  $ours = @()
  foreach ($entry in @($Current | Where-Object { $_ })) {
    $access = @($entry.ResourceAccess | Where-Object { $_ } | ForEach-Object { @{ Id = $_.Id; Type = $_.Type } })
    if ($entry.ResourceAppId -eq $ExchangeAppId) { $ours = $access }
    else { @{ ResourceAppId = $entry.ResourceAppId; ResourceAccess = $access } }
  }
  foreach ($role in $Roles) {
    if (@($ours | Where-Object { $_.Id -eq $role.Id }).Count -eq 0) { $ours = @($ours) + @(@{ Id = $role.Id; Type = 'Role' }) }
  }
  @{ ResourceAppId = $ExchangeAppId; ResourceAccess = @($ours) }
}

function Set-App {
  $app = Find-App
  if ($null -eq $app -and $KnownAppId -ne '') {
    if ($null -ne (Find-Principal $KnownAppId)) {
      Write-Outcome '' 'app' 'look' ('{0} is registered in another tenant; its owner looks after its permissions and its credential' -f $KnownAppId)
      return
    }
    throw ('There is no app {0} in tenant {1}. Look at its id and at the tenant.' -f $KnownAppId, $TenantId)
  }
  if ($null -eq $app) {
    if (-not $Gate.ShouldProcess($AppName, 'register an app')) {
      Write-Outcome '' 'app' 'planned' ('{0} would be registered' -f $AppName)
      return
    }
    $made = New-MgApplication -DisplayName $AppName -SignInAudience 'AzureADMyOrg' -RequiredResourceAccess @(Join-Access @()) -Confirm:$false
    Write-Outcome '' 'app' 'done' ('{0} has application id {1}' -f $AppName, $made.AppId)
    return (Wait-For 'the new app' { Get-MgApplication -Filter ('appId eq ''{0}''' -f $made.AppId) })
  }
  $asked = @($app.RequiredResourceAccess | Where-Object { $_.ResourceAppId -eq $ExchangeAppId } | ForEach-Object { $_.ResourceAccess } | ForEach-Object { $_.Id })
  $missing = @($Roles | Where-Object { $asked -notcontains $_.Id } | ForEach-Object { $_.Name })
  if ($missing.Count -eq 0) {
    Write-Outcome '' 'app' 'same' ('{0}, application id {1}' -f $app.DisplayName, $app.AppId)
  }
  elseif ($Gate.ShouldProcess($app.DisplayName, ('ask for {0}' -f ($missing -join ', ')))) {
    Update-MgApplication -ApplicationId $app.Id -RequiredResourceAccess @(Join-Access $app.RequiredResourceAccess) -Confirm:$false
    Write-Outcome '' 'permission' 'done' ('{0} asks for {1}' -f $app.DisplayName, ($missing -join ', '))
  }
  else {
    Write-Outcome '' 'permission' 'planned' ('{0} would ask for {1}' -f $app.DisplayName, ($missing -join ', '))
  }
  return $app
}

function Set-Principal {
  param($ForAppId)
  $principal = Find-Principal $ForAppId
  if ($null -ne $principal) {
    Write-Outcome '' 'principal' 'same' ('the Enterprise application has object id {0}' -f $principal.Id)
    return $principal
  }
  if (-not $Gate.ShouldProcess($ForAppId, 'make the Enterprise application')) {
    Write-Outcome '' 'principal' 'planned' 'the Enterprise application would be made'
    return
  }
  $made = Invoke-Retry 'the app' { New-MgServicePrincipal -AppId $ForAppId -Confirm:$false }
  Write-Outcome '' 'principal' 'done' ('the Enterprise application has object id {0}' -f $made.Id)
  return (Wait-For 'the Enterprise application' { Find-Principal $ForAppId })
}

function Grant-Consent {
  param($Principal)
  $exchange = Find-Principal $ExchangeAppId
  if ($null -eq $exchange) { throw ('Tenant {0} has no Exchange Online. Look at its licences and at the cloud.' -f $TenantId) }
  $granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal.Id -All)
  foreach ($role in $Roles) {
    if (@($granted | Where-Object { $_.AppRoleId -eq $role.Id -and $_.ResourceId -eq $exchange.Id }).Count -gt 0) {
      Write-Outcome '' 'consent' 'same' $role.Name
    }
    elseif ($Gate.ShouldProcess($Principal.DisplayName, ('consent to {0}' -f $role.Name))) {
      $made = Invoke-Retry $role.Name { New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal.Id -PrincipalId $Principal.Id -ResourceId $exchange.Id -AppRoleId $role.Id -Confirm:$false }
      Write-Outcome '' 'consent' 'done' ('{0}, assignment {1}' -f $role.Name, $made.Id)
    }
    else {
      Write-Outcome '' 'consent' 'planned' $role.Name
    }
  }
}

function Invoke-Entra {
  Connect-Entra
  $app = Set-App
  if ($null -ne $app) { $ForAppId = $app.AppId }
  elseif ($KnownAppId -ne '') { $ForAppId = $KnownAppId }
  else {
    Write-Host 'The rest follows once the app is there.'
    return
  }
  $principal = Set-Principal $ForAppId
  if ($null -ne $app) { Add-Credential $app }
  if ($null -eq $principal) { return }
  Grant-Consent $principal
  Save-Ids $ForAppId $principal.Id
}`;

const exchangeFunctions = String.raw`# Exchange needs the object id of the Enterprise application. It takes that of the app registration without a word, and refuses every login.
function Register-Principal {
  param($ForAppId, $ForObjectId)
  foreach ($wrong in @(Get-RegisteredPrincipal $ForAppId | Where-Object { $_.ObjectId -ne $ForObjectId })) {
    if ($Gate.ShouldProcess($wrong.ObjectId, 'remove the registration with a wrong object id')) {
      Remove-ServicePrincipal -Identity $wrong.ObjectId -Confirm:$false
      Write-Outcome '' 'register' 'done' ('removed {0}: it is not the object id of the Enterprise application, so every login was refused' -f $wrong.ObjectId)
    }
    else {
      Write-Outcome '' 'register' 'planned' ('{0} would be removed: it is not the object id of the Enterprise application' -f $wrong.ObjectId)
    }
  }
  $right = @(Get-RegisteredPrincipal $ForAppId | Where-Object { $_.ObjectId -eq $ForObjectId })
  if ($right.Count -gt 0) {
    Write-Outcome '' 'register' 'same' ('Exchange knows {0}' -f $ForObjectId)
    return $right[0]
  }
  if (-not $Gate.ShouldProcess($ForObjectId, 'register the Enterprise application in Exchange')) {
    Write-Outcome '' 'register' 'planned' ('{0} would be registered in Exchange' -f $ForObjectId)
    return
  }
  $null = Invoke-Retry 'the Enterprise application' { New-ServicePrincipal -AppId $ForAppId -ObjectId $ForObjectId -DisplayName $AppName -Confirm:$false }
  Write-Outcome '' 'register' 'done' ('Exchange was told {0}' -f $ForObjectId)
  return (Wait-For 'the registration in Exchange' { Get-RegisteredPrincipal $ForAppId | Where-Object { $_.ObjectId -eq $ForObjectId } })
}

function Grant-Mailbox {
  param($Address, $Principal, $Ids)
  $mailbox = Get-Mailbox -Identity $Address
  if ($mailbox.PrimarySmtpAddress -ne $Address) {
    Write-Outcome $Address 'address' 'look' ('its primary address is {0}: mailfleet needs that one' -f $mailbox.PrimarySmtpAddress)
  }
  if (Test-Grant $Address $Ids) {
    Write-Outcome $Address 'grant' 'same' 'FullAccess'
  }
  elseif ($Gate.ShouldProcess($Address, 'grant FullAccess')) {
    $grant = { Add-MailboxPermission -Identity $Address -User $Principal.ObjectId -AccessRights 'FullAccess' -InheritanceType 'All' -AutoMapping:$false -Confirm:$false }
    # Only the first grant waits for a registration that is new; after it, what is not found is really not there.
    if ($script:IsProven) { $null = & $grant }
    else { $null = Invoke-Retry 'the registration in Exchange' $grant }
    $script:IsProven = $true
    # From here on the grant may be there: it is in the report whatever becomes of the look.
    $isListed = $false
    try { $isListed = Test-Grant $Address $Ids }
    catch { Write-Host $_.Exception.Message }
    if ($isListed) { Write-Outcome $Address 'grant' 'done' 'FullAccess' }
    else { Write-Outcome $Address 'grant' 'look' 'granted, and not listed yet; run this script again later to see it' }
  }
  else {
    Write-Outcome $Address 'grant' 'planned' 'FullAccess'
  }
}

function Enable-Protocol {
  param($Address, $Protocol, $IsWanted, $IsOn)
  if (-not $IsWanted) { return }
  if ($IsOn) {
    Write-Outcome $Address $Protocol 'same' 'on'
    return
  }
  if (-not $Gate.ShouldProcess($Address, ('turn {0} on' -f $Protocol))) {
    Write-Outcome $Address $Protocol 'planned' 'would be turned on'
    return
  }
  if ($Protocol -eq 'imap') { Set-CASMailbox -Identity $Address -ImapEnabled $true -Confirm:$false }
  else { Set-CASMailbox -Identity $Address -PopEnabled $true -Confirm:$false }
  $after = Get-CASMailbox -Identity $Address
  $isThere = $after.ImapEnabled
  if ($Protocol -eq 'pop') { $isThere = $after.PopEnabled }
  if ($isThere) { Write-Outcome $Address $Protocol 'done' 'turned on; it may take an hour' }
  else { Write-Outcome $Address $Protocol 'failed' 'it is still off: a policy may turn it off again' }
}

function Assert-Ids {
  if ($AppId -eq '' -and $ObjectId -eq '') { return }
  if ($Part -ne 'Exchange') { throw '-AppId and -ObjectId are for -Part Exchange alone: the other part finds the app by itself. Give -Part Exchange, or leave them out. Nothing was changed.' }
  if ($AppId -eq '' -or $ObjectId -eq '') { throw 'Give both: -AppId, the application id, and -ObjectId, the object id of the Enterprise application. Nothing was changed.' }
  if ($KnownAppId -ne '' -and $AppId -ne $KnownAppId) { throw ('This script was made for the app {0}, and -AppId is {1}. Nothing was changed.' -f $KnownAppId, $AppId) }
}

function Invoke-Exchange {
  $ids = Read-Ids
  if ($AppId -ne '') { $ids = [pscustomobject] @{ appId = $AppId; objectId = $ObjectId } }
  if ($null -eq $ids) {
    if ($WhatIfPreference) {
      Write-Host 'The app is not there yet, so there is nothing to ask Exchange.'
      return
    }
    throw ('{0} is not here. Run -Part Entra first, or give -AppId and -ObjectId, the object id of the Enterprise application.' -f $IdsFile)
  }
  Connect-Exchange
  $principal = Register-Principal $ids.appId $ids.objectId
  if ($null -eq $principal) { $principal = [pscustomobject] @{ ObjectId = $ids.objectId } }
  $principalIds = @(Get-PrincipalIds $principal)
  $number = 0
  foreach ($box in $Mailboxes) {
    $number = $number + 1
    Write-Progress -Activity 'Mailboxes' -Status $box.Address -PercentComplete (100 * $number / $Mailboxes.Count)
    try {
      Grant-Mailbox $box.Address $principal $principalIds
      $state = Get-CASMailbox -Identity $box.Address
      Enable-Protocol $box.Address 'imap' $box.Imap $state.ImapEnabled
      Enable-Protocol $box.Address 'pop' $box.Pop $state.PopEnabled
    }
    catch {
      Write-Outcome $box.Address 'mailbox' 'failed' $_.Exception.Message
    }
  }
}`;

const main = (isSecret: boolean): string => String.raw`$IsProven = $false
try {
  Assert-Shell
  Assert-Ids
  if ($Part -eq 'All') {
    $more = @()
${isSecret ? "" : "    if ($CertificateFile -ne '') { $more = @('-CertificateFile', $CertificateFile) }\n"}    Invoke-Part 'Entra' $more
    Invoke-Part 'Exchange' @()
    Write-Host ('Everything is done. Report: {0}. Exchange may need up to an hour until it lets the app in.' -f $Report)
    Write-Host 'Next: mailfleet doctor, mailfleet try ADDRESS.'
  }
  elseif ($Part -eq 'Entra') {
${isSecret ? "" : "    $Certificate = Read-Certificate\n"}    Invoke-Entra
  }
  else { Invoke-Exchange }
}
catch {
  Write-Outcome '' $Part 'failed' $_.Exception.Message
}
finally {
  if ($null -ne (Get-Command 'Disconnect-MgGraph' -ErrorAction 'SilentlyContinue') -and $Part -eq 'Entra') { $null = Disconnect-MgGraph -ErrorAction 'SilentlyContinue' }
  Disconnect-Exchange
}
if ($Failed -gt 0) {
  Write-Host ('{0} steps failed. Report: {1}. Mend what it says, and run this script again.' -f $Failed, $Report)
  exit 1
}
exit 0`;
