import type { OnboardingPlan } from "./onboarding-plan.ts";
import { constants, functions, heading, reportName, setup } from "./prelude.ts";
import { psString } from "./quote.ts";
import { finishScript } from "./script-text.ts";

/** Takes back what the report of `onboardScript` says was done, and nothing else. Asks before. */
export function undoScript(plan: OnboardingPlan): string {
  return finishScript([
    heading([
      "mailfleet onboard --undo: takes back what the onboarding script did, as its report says, and nothing that was so before.",
      "",
      "  -WhatIf            shows what it would do, and changes nothing",
      "  -RemoveApp         also deletes the app, if the onboarding script registered it; Entra keeps deleted apps for 30 days",
      "  -WithoutReport     the report is lost: takes FullAccess from every mailbox below, and the registration out of Exchange",
      "  -Part Exchange     only the mailboxes and the registration; -Part Entra only consent, credential and app",
      "  -Force             does not ask",
      "",
      "Stop mailfleet for this tenant first. Exit codes: 0 all is taken back, 1 something failed, 2 you said no.",
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

const undoFunctions = String.raw`# What was done and not taken back yet: key to message.
function Read-Open {
  $open = @{}
  if (-not (Test-Path -LiteralPath $Report)) {
    if (-not $WithoutReport) { throw ('{0} is not here: it says what was done. With -WithoutReport every grant to the app is taken back.' -f $Report) }
    return $open
  }
  foreach ($row in @(Import-Csv -LiteralPath $Report -Encoding 'UTF8')) {
    if ($row.outcome -eq 'done') {
      $detail = ''
      if ($row.address -eq '') { $detail = $row.message }
      $key = '{0}|{1}|{2}' -f $row.address, ($row.step -replace '^undo-', ''), $detail
      if ($row.step -like 'undo-*') { $open.Remove($key) }
      else { $open[$key] = $row }
    }
  }
  return $open
}

function Test-Open {
  param($Open, $Address, $Step)
  return ($Open.ContainsKey(('{0}|{1}|' -f (Protect-Cell $Address), $Step)))
}

function Undo-Mailbox {
  param($Address, $Open, $Names, $ForObjectId)
  if ($WithoutReport -or (Test-Open $Open $Address 'grant')) {
    if (-not (Test-Grant $Address $Names)) { Write-Outcome $Address 'undo-grant' 'same' 'no FullAccess is left' }
    elseif ($Gate.ShouldProcess($Address, 'take FullAccess back')) {
      Remove-MailboxPermission -Identity $Address -User $ForObjectId -AccessRights 'FullAccess' -InheritanceType 'All' -Confirm:$false
      Write-Outcome $Address 'undo-grant' 'done' 'FullAccess taken back'
    }
    else { Write-Outcome $Address 'undo-grant' 'planned' 'FullAccess would be taken back' }
  }
  if (Test-Open $Open $Address 'imap') {
    if ($Gate.ShouldProcess($Address, 'turn imap off')) {
      Set-CASMailbox -Identity $Address -ImapEnabled $false -Confirm:$false
      Write-Outcome $Address 'undo-imap' 'done' 'off, as it was'
    }
    else { Write-Outcome $Address 'undo-imap' 'planned' 'would be off, as it was' }
  }
  if (Test-Open $Open $Address 'pop') {
    if ($Gate.ShouldProcess($Address, 'turn pop off')) {
      Set-CASMailbox -Identity $Address -PopEnabled $false -Confirm:$false
      Write-Outcome $Address 'undo-pop' 'done' 'off, as it was'
    }
    else { Write-Outcome $Address 'undo-pop' 'planned' 'would be off, as it was' }
  }
}

function Undo-Exchange {
  param($Open)
  $ids = Read-Ids
  if ($null -eq $ids) { throw ('{0} is not here: it has the ids of the app.' -f $IdsFile) }
  Connect-Exchange
  $registered = @(Get-RegisteredPrincipal $ids.appId | Where-Object { $_.ObjectId -eq $ids.objectId })
  $names = @($ids.objectId)
  if ($registered.Count -gt 0) { $names = @(Get-PrincipalNames $registered[0]) }
  foreach ($box in $Mailboxes) {
    try { Undo-Mailbox $box.Address $Open $names $ids.objectId }
    catch { Write-Outcome $box.Address 'undo-grant' 'failed' $_.Exception.Message }
  }
  $made = @($Open.Values | Where-Object { $_.step -eq 'register' -and $_.message -like 'Exchange was told*' })
  if ($registered.Count -eq 0 -or ($made.Count -eq 0 -and -not $WithoutReport)) { return }
  if ($Failed -gt 0) {
    Write-Outcome '' 'undo-register' 'look' 'the registration stays until every mailbox is done'
    return
  }
  $message = 'Exchange was told {0}' -f $ids.objectId
  if ($Gate.ShouldProcess($ids.objectId, 'take the registration out of Exchange')) {
    Remove-ServicePrincipal -Identity $ids.objectId -Confirm:$false
    Write-Outcome '' 'undo-register' 'done' $message
  }
  else { Write-Outcome '' 'undo-register' 'planned' $message }
}

function Undo-Entra {
  param($Open)
  Connect-Entra
  $app = Find-App
  $ids = Read-Ids
  $principal = $null
  if ($null -ne $ids) { $principal = Find-Principal $ids.appId }
  foreach ($row in @($Open.Values)) {
    if ($row.step -eq 'consent' -and $null -ne $principal) {
      $assignment = $row.message -replace '^.*assignment ', ''
      if ($Gate.ShouldProcess($principal.DisplayName, ('take back {0}' -f $row.message))) {
        Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -AppRoleAssignmentId $assignment -Confirm:$false
        Write-Outcome '' 'undo-consent' 'done' $row.message
      }
      else { Write-Outcome '' 'undo-consent' 'planned' $row.message }
    }
    if ($row.step -eq 'secret' -and $null -ne $app) {
      $key = $row.message -replace '^key ([0-9a-f-]{36}).*$', '$1'
      if ($Gate.ShouldProcess($app.DisplayName, ('remove the secret {0}' -f $key))) {
        if (@($app.PasswordCredentials | Where-Object { $_.KeyId -eq $key }).Count -gt 0) { Remove-MgApplicationPassword -ApplicationId $app.Id -KeyId $key -Confirm:$false }
        Write-Outcome '' 'undo-secret' 'done' $row.message
      }
      else { Write-Outcome '' 'undo-secret' 'planned' $row.message }
    }
    if ($row.step -eq 'certificate' -and $null -ne $app) {
      $thumbprint = $row.message -replace ',.*$', ''
      $rest = @($app.KeyCredentials | Where-Object { $_ -and $null -ne $_.CustomKeyIdentifier -and ([System.BitConverter]::ToString($_.CustomKeyIdentifier) -replace '-', '') -ne $thumbprint })
      if ($Gate.ShouldProcess($app.DisplayName, ('remove the certificate {0}' -f $thumbprint))) {
        Update-MgApplication -ApplicationId $app.Id -KeyCredentials $rest -Confirm:$false
        Write-Outcome '' 'undo-certificate' 'done' $row.message
      }
      else { Write-Outcome '' 'undo-certificate' 'planned' $row.message }
    }
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
}`;

const main = String.raw`try {
  Assert-Shell
  $open = Read-Open
  if ($Part -eq 'All') {
    Write-Host ('This takes back {0} steps of tenant {1}, and up to {2} mailboxes lose the app.' -f $open.Count, $TenantName, $Mailboxes.Count)
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
    Write-Host ('Everything is taken back. Report: {0}' -f $Report)
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
  if ($null -ne (Get-Command 'Disconnect-ExchangeOnline' -ErrorAction 'SilentlyContinue') -and $Part -eq 'Exchange') { Disconnect-ExchangeOnline -Confirm:$false }
}
if ($Failed -gt 0) {
  Write-Host ('{0} steps failed. Report: {1}. Run this script again: it goes on where it was.' -f $Failed, $Report)
  exit 1
}
exit 0`;
