import { certificateFunctions, secretFunctions } from "./credential-functions.ts";
import type { OnboardingPlan } from "./onboarding-plan.ts";
import { constants, functions, heading, reportName, setup } from "./prelude.ts";
import { psString } from "./quote.ts";
import { finishScript } from "./script-text.ts";

/** A new credential beside the old one, so that no login fails; later, with `-Finish`, the old one goes. */
export function rotateScript(plan: OnboardingPlan): string {
  const { credential, alias } = plan;
  const isSecret = credential.kind === "secret";
  return finishScript([
    heading([
      "mailfleet onboard --rotate: adds a credential beside the one in use, and later takes the old one away. Both work in between.",
      "",
      "  -WhatIf            shows what it would do, and changes nothing",
      "  -Finish            the second step, when mailfleet uses the new one: removes the older credentials named mailfleet",
      "  -Force             with -Finish, does not ask",
      "",
      "Exit codes: 0 done, 1 something failed, 2 you said no.",
    ]),
    `[CmdletBinding(SupportsShouldProcess = $true)]
param(
  [switch] $Finish,
  [switch] $Force,
${isSecret ? "" : "  [string] $CertificateFile = '',\n"}  [string] $Report = ${psString(reportName(alias))}
)`,
    setup,
    constants({ ...plan, mailboxes: [] }),
    credential.kind === "secret"
      ? `$SecretFile = ${psString(credential.file)}\n$SecretMonths = ${credential.months}`
      : `$CertificateText = ${psString(credential.base64 ?? "")}`,
    functions,
    isSecret ? secretFunctions : certificateFunctions,
    isSecret ? removeOldSecrets : removeOldCertificates,
    main(isSecret),
  ]);
}

/** The newest stays, whichever that is: mailfleet's own are known by their name, and no other is touched. */
const removeOldSecrets = String.raw`function Remove-Old {
  param($App)
  $ours = @($App.PasswordCredentials | Where-Object { $_ -and $_.DisplayName -eq 'mailfleet' } | Sort-Object -Property 'StartDateTime' -Descending)
  if ($ours.Count -lt 2) {
    Write-Outcome '' 'rotate' 'same' 'there is no older secret of mailfleet'
    return
  }
  Confirm-Step ('Remove {0} older secrets of {1}; the one from {2:yyyy-MM-dd HH:mm} stays' -f ($ours.Count - 1), $App.DisplayName, $ours[0].StartDateTime)
  foreach ($old in ($ours | Select-Object -Skip 1)) {
    if ($Gate.ShouldProcess($App.DisplayName, ('remove the secret {0}' -f $old.KeyId))) {
      Remove-MgApplicationPassword -ApplicationId $App.Id -KeyId $old.KeyId -Confirm:$false
      Write-Outcome '' 'rotate' 'done' ('removed key {0}' -f $old.KeyId)
    }
    else { Write-Outcome '' 'rotate' 'planned' ('would remove key {0}' -f $old.KeyId) }
  }
}`;

const removeOldCertificates = String.raw`function Remove-Old {
  param($App)
  $present = @($App.KeyCredentials | Where-Object { $_ })
  if (@($present | Where-Object { Test-SameKey $_ $Certificate }).Count -eq 0) { throw 'The new certificate is not there yet. Run this script without -Finish first. Nothing was removed.' }
  $old = @($present | Where-Object { $_.DisplayName -eq 'mailfleet' -and -not (Test-SameKey $_ $Certificate) })
  if ($old.Count -eq 0) {
    Write-Outcome '' 'rotate' 'same' 'there is no older certificate of mailfleet'
    return
  }
  Confirm-Step ('Remove {0} older certificates of {1}; {2} stays' -f $old.Count, $App.DisplayName, $Certificate.Thumbprint)
  $ids = @($old | ForEach-Object { $_.KeyId })
  # The answer may have taken a while, and the update writes the whole list.
  $fresh = Get-MgApplication -ApplicationId $App.Id -Property @('id', 'keyCredentials')
  $present = @($fresh.KeyCredentials | Where-Object { $_ })
  if ($Gate.ShouldProcess($App.DisplayName, 'remove older certificates')) {
    Update-MgApplication -ApplicationId $App.Id -KeyCredentials @($present | Where-Object { $ids -notcontains $_.KeyId }) -Confirm:$false
    Write-Outcome '' 'rotate' 'done' ('removed {0}' -f ($ids -join ', '))
  }
  else { Write-Outcome '' 'rotate' 'planned' ('would remove {0}' -f ($ids -join ', ')) }
}`;

const main = (isSecret: boolean): string => String.raw`function Confirm-Step {
  param($Question)
  if ($Force -or $WhatIfPreference) { return }
  $answer = Read-Host ('{0}. Type yes to go on' -f $Question)
  if ($answer -ne 'yes') {
    Write-Host 'Nothing was removed.'
    exit 2
  }
}

try {
  Assert-Shell
${isSecret ? "" : "  $Certificate = Read-Certificate\n"}  Connect-Entra
  $app = Find-App
  if ($null -eq $app) { throw ('There is no app {0} {1} in tenant {2}.' -f $AppName, $KnownAppId, $TenantId) }
  if ($Finish) { Remove-Old $app }
  else {
    ${isSecret ? "Add-Secret $app $SecretFile $SecretMonths" : "Add-Certificate $app $Certificate"}
    Write-Host 'Now, in mailfleet.yaml, beside the credential in use:'
    ${isSecret ? "Write-Host ('  nextCredential: {{ secretFile: {0} }}' -f $SecretFile)" : "Write-Host '  nextCredential: { certificate: { keyFile: mailfleet-next.key.pem, certFile: mailfleet-next.cert.pem } }'"}
    Write-Host 'Look with mailfleet doctor whether the new one works. Then make it the credential, drop nextCredential,'
    Write-Host 'restart the workers, and run this script with -Finish.'
  }
}
catch {
  Write-Outcome '' 'rotate' 'failed' $_.Exception.Message
}
finally {
  if ($null -ne (Get-Command 'Disconnect-MgGraph' -ErrorAction 'SilentlyContinue')) { $null = Disconnect-MgGraph -ErrorAction 'SilentlyContinue' }
}
if ($Failed -gt 0) { exit 1 }
exit 0`;
