import type { OnboardingPlan } from "./onboarding-plan.ts";
import { constants, functions, heading, reportName, setup } from "./prelude.ts";
import { psString } from "./quote.ts";
import { finishScript } from "./script-text.ts";

/** Takes back what the report of `onboardScript` says was done, and nothing else. Asks before. */
export function undoScript(plan: OnboardingPlan): string {
  return finishScript([
    heading([
      "mailfleet onboard --undo: takes back what the onboarding script did, as its report says, and nothing that was so before.",
      "It goes through every mailbox of the report, also one that is not in the list below.",
      "",
      "  -WhatIf            shows what it would do, and changes nothing",
      "  -RemoveApp         also deletes the app, if the onboarding script registered it; Entra keeps deleted apps for 30 days",
      "  -WithoutReport     the report is lost: takes FullAccess from every mailbox below, and the registration out of Exchange",
      "  -Part Exchange     only the mailboxes and the registration; -Part Entra only consent, credential and app",
      "  -Force             does not ask",
      "",
      "Stop mailfleet for this tenant first. Exit codes: 0 all is taken back, 1 something failed or is not taken back, 2 you said no.",
    ]),
    `[CmdletBinding(SupportsShouldProcess = $true)]
param(
  [ValidateSet('All', 'Entra', 'Exchange')]
  [string] $Part = 'All',
  [switch] $RemoveApp,
  [switch] $WithoutReport,
  [switch] $Force,
  [string] $Report = ${psString(reportName(plan.alias))}
)`,
    setup,
    constants(plan),
    functions,
    undoFunctions,
    main,
  ]);
}

const undoFunctions = String.raw`# What was done and not taken back yet: key to row. A grant that was not listed when it was made is one too, and a secret that stayed in Entra.
function Read-Open {
  $open = @{}
  if (-not (Test-Path -LiteralPath $Report)) {
    if (-not $WithoutReport) { throw ('{0} is not here: it says what was done. With -WithoutReport every grant to the app is taken back.' -f $Report) }
    return $open
  }
  foreach ($row in @(Import-Csv -LiteralPath $Report -Encoding 'UTF8')) {
    $detail = ''
    if ($row.address -eq '') { $detail = $row.message }
    $key = '{0}|{1}|{2}' -f $row.address, ($row.step -replace '^undo-', ''), $detail
    $isThere = $row.outcome -eq 'look' -and (($row.step -eq 'grant' -and $row.message -like 'granted,*') -or ($row.step -eq 'secret' -and $row.message -like 'key *'))
    # A registration that was wrong and went is not put back; if an earlier run made it, that is over.
    $isGone = $row.step -eq 'register' -and $row.message -notlike 'Exchange was told*'
    if ($isGone -and $row.outcome -eq 'done') { $open.Remove(('|register|{0}' -f ($row.message -replace '^removed ([^:]+):.*$', 'Exchange was told $1'))) }
    if ($row.step -like 'undo-*') {
      if ($row.outcome -eq 'done' -or $row.outcome -eq 'same') { $open.Remove($key) }
    }
    elseif (($row.outcome -eq 'done' -and -not $isGone) -or $isThere) { $open[$key] = $row }
    elseif ($row.step -eq 'grant' -and $row.outcome -eq 'same' -and $open.ContainsKey($key)) { $open[$key] = $row }
  }
  return $open
}

function Get-Open {
  param($Open, $Address, $Step)
  return ($Open[('{0}|{1}|' -f (Protect-Cell $Address), $Step)])
}

# Every mailbox of the report, in the list of this script or not; and the list, for a report that is lost.
function Get-Addresses {
  param($Open)
  $all = @($Open.Values | Where-Object { $_.address -ne '' } | ForEach-Object { $_.address -replace '^''(?=[=+@-])', '' })
  if ($WithoutReport) { $all = $all + @($Mailboxes | ForEach-Object { $_.Address }) }
  return ($all | Sort-Object -Unique)
}

function Undo-Grant {
  param($Address, $Row, $Ids, $ForObjectId)
  # One that was never listed may be there all the same, and without a registration its SID is unknown: Exchange is asked to remove it.
  $isUnlisted = $Ids.Count -lt 2 -or ($null -ne $Row -and $Row.outcome -eq 'look')
  if (-not $isUnlisted -and -not (Test-Grant $Address $Ids)) {
    Write-Outcome $Address 'undo-grant' 'same' 'no FullAccess is left'
    return
  }
  if (-not $Gate.ShouldProcess($Address, 'take FullAccess back')) {
    Write-Outcome $Address 'undo-grant' 'planned' 'FullAccess would be taken back'
    return
  }
  try {
    Remove-MailboxPermission -Identity $Address -User $ForObjectId -AccessRights 'FullAccess' -InheritanceType 'All' -Confirm:$false
  }
  catch {
    if (-not $isUnlisted -or $_.Exception.Message -notmatch 'not present|n.t present') { throw }
  }
  if (Test-Grant $Address $Ids) { Write-Outcome $Address 'undo-grant' 'look' 'taken back, and still listed; run this script again later to see it go' }
  else { Write-Outcome $Address 'undo-grant' 'done' 'FullAccess taken back' }
}

function Undo-Mailbox {
  param($Address, $Open, $Ids, $ForObjectId)
  $grant = Get-Open $Open $Address 'grant'
  if ($WithoutReport -or $null -ne $grant) { Undo-Grant $Address $grant $Ids $ForObjectId }
  if ($null -ne (Get-Open $Open $Address 'imap')) {
    if ($Gate.ShouldProcess($Address, 'turn imap off')) {
      Set-CASMailbox -Identity $Address -ImapEnabled $false -Confirm:$false
      Write-Outcome $Address 'undo-imap' 'done' 'off, as it was'
    }
    else { Write-Outcome $Address 'undo-imap' 'planned' 'would be off, as it was' }
  }
  if ($null -ne (Get-Open $Open $Address 'pop')) {
    if ($Gate.ShouldProcess($Address, 'turn pop off')) {
      Set-CASMailbox -Identity $Address -PopEnabled $false -Confirm:$false
      Write-Outcome $Address 'undo-pop' 'done' 'off, as it was'
    }
    else { Write-Outcome $Address 'undo-pop' 'planned' 'would be off, as it was' }
  }
}

function Undo-Exchange {
  param($Open)
  $addresses = @(Get-Addresses $Open)
  $told = @($Open.Values | Where-Object { $_.step -eq 'register' })
  if ($addresses.Count -eq 0 -and $told.Count -eq 0 -and -not $WithoutReport) {
    Write-Host 'The report has nothing that was done in Exchange.'
    return
  }
  $ids = Read-Ids
  if ($null -eq $ids) { throw ('{0} is not here: it has the ids of the app.' -f $IdsFile) }
  Connect-Exchange
  $registered = @(Get-RegisteredPrincipal $ids.appId | Where-Object { $_.ObjectId -eq $ids.objectId })
  $principalIds = @($ids.objectId)
  if ($registered.Count -gt 0) { $principalIds = @(Get-PrincipalIds $registered[0]) }
  foreach ($address in $addresses) {
    try { Undo-Mailbox $address $Open $principalIds $ids.objectId }
    catch { Write-Outcome $address 'undo-grant' 'failed' $_.Exception.Message }
  }
  if ($told.Count -eq 0 -and -not $WithoutReport) { return }
  $message = 'Exchange was told {0}' -f $ids.objectId
  if ($registered.Count -eq 0) {
    Write-Outcome '' 'undo-register' 'same' $message
    return
  }
  if (-not $Gate.ShouldProcess($ids.objectId, 'take the registration out of Exchange')) {
    Write-Outcome '' 'undo-register' 'planned' $message
    return
  }
  $granted = @()
  if (Test-Path -LiteralPath $Report) { $granted = @((Read-Open).Values | Where-Object { $_.step -eq 'grant' }) }
  if ($Failed -gt 0 -or $granted.Count -gt 0) {
    Write-Outcome '' 'undo-register' 'look' 'the registration stays until every mailbox is done'
    return
  }
  Remove-ServicePrincipal -Identity $ids.objectId -Confirm:$false
  Write-Outcome '' 'undo-register' 'done' $message
}

# The thumbprint of a certificate is the SHA-1 of its bytes; Entra shows the bytes, or its own identifier, or for other kinds of keys neither.
function Get-Thumbprint {
  param($Entry)
  if ($null -ne $Entry.Key) { $hash = [System.Security.Cryptography.SHA1]::Create().ComputeHash($Entry.Key) }
  elseif ($null -ne $Entry.CustomKeyIdentifier) { $hash = $Entry.CustomKeyIdentifier }
  else { return '' }
  return ([System.BitConverter]::ToString($hash) -replace '-', '')
}

# An update writes the whole list. So there is one, for all certificates of ours, made from what Entra has now; every other entry stays.
function Undo-Certificates {
  param($App, $Rows)
  if ($Rows.Count -eq 0) { return }
  $ours = @($Rows | ForEach-Object { $_.message -replace ',.*$', '' })
  if (-not $Gate.ShouldProcess($App.DisplayName, ('remove the certificates {0}' -f ($ours -join ', ')))) {
    foreach ($row in $Rows) { Write-Outcome '' 'undo-certificate' 'planned' $row.message }
    return
  }
  $fresh = Get-MgApplication -ApplicationId $App.Id -Property @('id', 'keyCredentials')
  $present = @($fresh.KeyCredentials | Where-Object { $_ })
  $rest = @($present | Where-Object { $ours -notcontains (Get-Thumbprint $_) })
  if ($rest.Count -lt $present.Count) { Update-MgApplication -ApplicationId $App.Id -KeyCredentials $rest -Confirm:$false }
  foreach ($row in $Rows) { Write-Outcome '' 'undo-certificate' 'done' $row.message }
}

function Undo-Secret {
  param($App, $Row)
  $key = $Row.message -replace '^key ([0-9a-f-]{36}).*$', '$1'
  if (-not $Gate.ShouldProcess($App.DisplayName, ('remove the secret {0}' -f $key))) {
    Write-Outcome '' 'undo-secret' 'planned' $Row.message
    return
  }
  if (@($App.PasswordCredentials | Where-Object { $_.KeyId -eq $key }).Count -gt 0) { Remove-MgApplicationPassword -ApplicationId $App.Id -KeyId $key -Confirm:$false }
  Write-Outcome '' 'undo-secret' 'done' $Row.message
}

function Undo-Consent {
  param($Principal, $Row)
  $assignment = $Row.message -replace '^.*assignment ', ''
  $granted = @(Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal.Id -All | Where-Object { $_.Id -ceq $assignment })
  if ($granted.Count -eq 0) { Write-Outcome '' 'undo-consent' 'same' $Row.message }
  elseif ($Gate.ShouldProcess($Principal.DisplayName, ('take back {0}' -f $Row.message))) {
    Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $Principal.Id -AppRoleAssignmentId $assignment -Confirm:$false
    Write-Outcome '' 'undo-consent' 'done' $Row.message
  }
  else { Write-Outcome '' 'undo-consent' 'planned' $Row.message }
}

function Undo-Entra {
  param($Open)
  Connect-Entra
  $ids = Read-Ids
  # By its id, where that is known: another app may have the name by now.
  if ($KnownAppId -eq '' -and $null -ne $ids) { $script:KnownAppId = $ids.appId }
  $app = Find-App
  $forAppId = $KnownAppId
  if ($null -ne $app) { $forAppId = $app.AppId }
  $principal = $null
  if ($forAppId -ne '') { $principal = Find-Principal $forAppId }
  foreach ($row in @($Open.Values | Where-Object { $_.step -eq 'consent' })) {
    if ($null -ne $principal) { Undo-Consent $principal $row }
    elseif ($forAppId -ne '') { Write-Outcome '' 'undo-consent' 'same' $row.message }
  }
  if ($null -ne $app) {
    foreach ($row in @($Open.Values | Where-Object { $_.step -eq 'secret' })) { Undo-Secret $app $row }
    Undo-Certificates $app @($Open.Values | Where-Object { $_.step -eq 'certificate' })
  }
  elseif ($forAppId -ne '') {
    # The app is gone, and its credentials with it.
    foreach ($row in @($Open.Values | Where-Object { $_.step -eq 'secret' -or $_.step -eq 'certificate' -or $_.step -eq 'app' })) { Write-Outcome '' ('undo-{0}' -f $row.step) 'same' $row.message }
  }
  if (-not $RemoveApp -or $null -eq $app) { return }
  $made = @($Open.Values | Where-Object { $_.step -eq 'app' })
  if ($made.Count -eq 0) {
    Write-Outcome '' 'undo-app' 'look' ('{0} was there before, so it stays' -f $app.DisplayName)
  }
  elseif ($Gate.ShouldProcess($app.DisplayName, 'delete the app')) {
    Remove-MgApplication -ApplicationId $app.Id -Confirm:$false
    Write-Outcome '' 'undo-app' 'done' $made[0].message
  }
  else { Write-Outcome '' 'undo-app' 'planned' $made[0].message }
}

# What this run was to take back and did not. The app itself is only meant with -RemoveApp.
function Get-Left {
  if ($WhatIfPreference -or -not (Test-Path -LiteralPath $Report)) { return }
  $steps = @()
  if ($Part -ne 'Entra') { $steps = @('grant', 'imap', 'pop', 'register') }
  if ($Part -ne 'Exchange') { $steps = $steps + @('consent', 'secret', 'certificate') }
  if ($Part -ne 'Exchange' -and $RemoveApp) { $steps = $steps + @('app') }
  return ((Read-Open).Values | Where-Object { $steps -contains $_.step })
}`;

const main = String.raw`try {
  Assert-Shell
  $open = Read-Open
  if ($Part -eq 'All') {
    Write-Host ('This takes back {0} steps of tenant {1}, and up to {2} mailboxes lose the app.' -f $open.Count, $TenantName, @(Get-Addresses $open).Count)
    if (-not $Force -and -not $WhatIfPreference) {
      $answer = Read-Host 'Type yes to go on'
      if ($answer -ne 'yes') {
        Write-Host 'Nothing was changed.'
        exit 2
      }
    }
    $more = @('-Force')
    if ($RemoveApp) { $more = $more + @('-RemoveApp') }
    if ($WithoutReport) { $more = $more + @('-WithoutReport') }
    Invoke-Part 'Exchange' $more
    Invoke-Part 'Entra' $more
  }
  elseif (-not $Force -and -not $WhatIfPreference -and (Read-Host ('Type yes to take back {0} steps' -f $open.Count)) -ne 'yes') {
    Write-Host 'Nothing was changed.'
    exit 2
  }
  elseif ($Part -eq 'Entra') { Undo-Entra $open }
  else { Undo-Exchange $open }
}
catch {
  # A report that is not there is not made here: the next run would take it for one in which nothing was done.
  if (Test-Path -LiteralPath $Report) { Write-Outcome '' $Part 'failed' $_.Exception.Message }
  else {
    $Failed = 1
    Write-Host $_.Exception.Message
  }
}
finally {
  if ($null -ne (Get-Command 'Disconnect-MgGraph' -ErrorAction 'SilentlyContinue') -and $Part -eq 'Entra') { $null = Disconnect-MgGraph -ErrorAction 'SilentlyContinue' }
  Disconnect-Exchange
}
$left = @(Get-Left)
foreach ($row in $left) { Write-Host ('not taken back: {0} {1} {2}' -f $row.step, $row.address, $row.message) }
if ($Failed -gt 0 -or $left.Count -gt 0) {
  Write-Host ('{0} steps failed, {1} are not taken back. Report: {2}. Run this script again: it goes on where it was.' -f $Failed, $left.Count, $Report)
  exit 1
}
if ($Part -eq 'All' -and -not $WhatIfPreference) { Write-Host ('Everything is taken back. Report: {0}' -f $Report) }
exit 0`;
